//! Commands by number.

use crate::handshake::authenticate;
use crate::registry::Kill;
use crate::relay::RelayOptions;
use crate::session::{Done, Session, Stop, error};
use shard::ConnClass;
use wire::caps::CLIENT_SESSION_TRACK;
use wire::command::Command;
use wire::framer::Expect;
use wire::handshake::{AuthSwitch, NATIVE, decode_change_user};
use wire::reply::OkPacket;

impl Session {
    /// Serves one command; the answer is queued, not flushed.
    pub async fn command(&mut self, byte: u8, body: &[u8]) -> Done {
        let Some(command) = Command::from_byte(byte) else {
            return Err(error(1047, "08S01", format!("Unknown command {byte:#04x}")));
        };
        match command {
            Command::Query => self.query(body).await,
            Command::StmtExecute => self.execute(body).await,
            _ => Box::pin(self.rare(command, body)).await,
        }
    }

    async fn rare(&mut self, command: Command, body: &[u8]) -> Done {
        match command {
            Command::Query => self.query(body).await,
            Command::StmtExecute => self.execute(body).await,
            Command::Quit => Err(Stop::Gone),
            Command::InitDb => self.init_db(body),
            Command::Ping => {
                self.ok(0);
                Ok(())
            }
            Command::StmtPrepare => self.prepare(body).await,
            Command::StmtSendLongData => {
                self.send_long_data(body);
                Ok(())
            }
            Command::StmtClose => {
                self.close_statement(body);
                Ok(())
            }
            Command::StmtReset => self.reset_statement(body),
            Command::StmtFetch => self.fetch(body).await,
            Command::SetOption => self.set_option(body),
            Command::ResetConnection => {
                self.rollback_all().await;
                self.reset();
                self.ok(0);
                Ok(())
            }
            Command::ChangeUser => self.change_user(body).await,
            Command::FieldList => self.field_list(body).await,
            Command::Statistics => {
                let r = &self.worker.shared.registry;
                let text = format!("Uptime: {}  Threads: {}", r.now_ms() / 1000, r.count());
                self.io.put(text.as_bytes());
                Ok(())
            }
            Command::ProcessKill => {
                let id = wire::Reader::new(body).u32("session");
                let id = id.map_err(|_| error(1094, "HY000", "Unknown thread id"))?;
                self.kill(u64::from(id), false)?;
                self.ok(0);
                Ok(())
            }
            Command::ProcessInfo => self.query(b"SHOW PROCESSLIST").await,
            Command::CreateDb
            | Command::DropDb
            | Command::Refresh
            | Command::Shutdown
            | Command::Debug
            | Command::BinlogDump
            | Command::RegisterSlave => Err(error(
                1235,
                "42000",
                format!("{} is not supported through the proxy", command.label()),
            )),
        }
    }

    fn init_db(&mut self, body: &[u8]) -> Done {
        let name = std::str::from_utf8(body)
            .map_err(|_| error(1049, "42000", "Unknown database: the name is no UTF-8"))?;
        self.use_database(name)?;
        self.ok_with_database(0);
        Ok(())
    }

    /// OK that tells clients with session tracking the new database.
    pub fn ok_with_database(&mut self, more: u16) {
        let mut ok = OkPacket {
            status: self.status() | more,
            ..Default::default()
        };
        if self.io.capabilities & CLIENT_SESSION_TRACK != 0
            && let Some(db) = &self.database
        {
            wire::reply::put_schema_change(&mut ok.session_state, db);
        }
        self.io.put_ok(&ok);
    }

    fn set_option(&mut self, body: &[u8]) -> Done {
        match body {
            [0, 0] => self.multi_statements = true,
            [1, 0] => self.multi_statements = false,
            _ => return Err(error(1047, "08S01", "Unknown option for COM_SET_OPTION")),
        }
        let status = self.status();
        if self.class.deprecate_eof {
            self.ok(0);
        } else {
            self.io.put_with(|b| wire::reply::put_eof(b, 0, status));
        }
        Ok(())
    }

    /// KILL: of a statement or a session, of any worker.
    pub fn kill(&mut self, id: u64, query: bool) -> Done {
        let found = u32::try_from(id)
            .ok()
            .and_then(|id| self.worker.shared.registry.get(id));
        let Some(target) = found else {
            return Err(error(1094, "HY000", format!("Unknown thread id: {id}")));
        };
        if !self.may_end(&target)? {
            return Err(error(
                1095,
                "HY000",
                format!("You are not owner of thread {id}"),
            ));
        }
        if target.id == self.info.id && query {
            return Err(error(1317, "70100", "Query execution was interrupted"));
        }
        target.kill(if query { Kill::Query } else { Kill::Connection });
        Ok(())
    }

    /// COM_CHANGE_USER: a new login on the same connection.
    async fn change_user(&mut self, body: &[u8]) -> Done {
        let response = decode_change_user(body, self.io.capabilities);
        let Ok(mut response) = response else {
            return Err(error(1835, "HY000", "Malformed communication packet."));
        };
        self.rollback_all().await;
        let shared = self.worker.shared.clone();
        // The nonce of the greeting is gone by now: give a new one with an auth switch.
        let over_tls = matches!(self.io.stream, shard::NetStream::Tls(_));
        let user = shared.users.find(&response.user, &shared.catalog());
        let user = user.unwrap_or_default();
        let plugin = user.plugin(response.plugin.as_deref().unwrap_or(NATIVE));
        let mut nonce = [0u8; 20];
        aws_lc_rs::rand::fill(&mut nonce).map_err(|_| error(1105, "HY000", "no random numbers"))?;
        nonce.iter_mut().for_each(|b| *b = b'a' + *b % 26);
        let switch = AuthSwitch {
            plugin: plugin.to_string(),
            nonce: nonce.to_vec(),
        };
        self.io.put_with(|b| switch.encode(b));
        self.io.flush().await.map_err(|_| Stop::Gone)?;
        let seq = self.io.seq;
        response.auth = self.io.payload(seq, 4096).await.map_err(|_| Stop::Gone)?;
        response.plugin = Some(plugin.to_string());
        let who = authenticate(&mut self.io, &shared, &response, &nonce, plugin, over_tls).await;
        let user = match who {
            Ok(user) => user,
            Err(refused) => {
                if let Some(err) = refused {
                    self.io.put_err(&err);
                    let _ = self.io.flush().await;
                }
                return Err(Stop::Gone);
            }
        };
        self.user = user;
        self.reset();
        self.database = None;
        self.info.set_identity(&self.user.name.clone(), None);
        if response.collation != 0 {
            self.set_collation(response.collation);
        }
        if let Some(db) = &response.database {
            self.use_database(db)?;
        }
        self.class = ConnClass::of(self.io.capabilities);
        self.ok_with_database(0);
        Ok(())
    }

    /// COM_FIELD_LIST: columns of a table, as old clients ask for them.
    async fn field_list(&mut self, body: &[u8]) -> Done {
        let mut r = wire::Reader::new(body);
        let table = r
            .null_bytes("table")
            .map_err(|_| error(1835, "HY000", "Malformed packet"))?;
        let table = String::from_utf8_lossy(table).into_owned();
        let Some(db) = self.database.clone() else {
            return Err(router::Refusal::no_database().into());
        };
        self.authorize_entry(&db)?;
        let shard = self.shard_of_table(&db, &table)?;
        let index = self.acquire(shard, false).await?;
        let mut payload = vec![0x04];
        payload.extend_from_slice(body);
        self.held[index].lease.conn()?.queue(&payload);
        let options = RelayOptions {
            expect: Expect::Columns,
            ..Default::default()
        };
        let end = self.relay_on(index, options).await?;
        self.settle(index, &end, router::Traits::default()).await
    }
}
