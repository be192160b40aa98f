//! What is known of functions: one table of the built-in ones, by name.
//!
//! A name that is not in it may be a stored function or one loaded into the server, aggregates among them:
//! whoever puts rows of several shards together must not take it for harmless.

use hashbrown::HashMap;
use sql::Flavor;
use std::sync::LazyLock;

/// How many rows a function looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowScope {
    /// One: its value follows from its arguments, and its effects.
    Row,
    /// Those of a group.
    Aggregate,
    /// Those of a window.
    Window,
}

/// What a function depends on or does, besides its arguments.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Effects {
    /// The time of the statement, which all its shards are told.
    pub clock: bool,
    /// Every call has another value.
    pub random: bool,
    /// It counts rows or calls: of one shard, if a shard runs it.
    pub counter: bool,
    /// The session's value, which a shard would take from the proxy's account or its own last statement.
    pub session: bool,
    /// The session's last AUTO_INCREMENT value.
    pub insert_id: bool,
    /// Named locks, which one server keeps.
    pub lock: bool,
    /// It may take as long as it likes.
    pub waits: bool,
    /// It reads a file on the server's machine.
    pub file: bool,
    /// It depends on the server that runs it: its version, its replication, its disk.
    pub server: bool,
    /// The current database.
    pub database: bool,
}

impl Effects {
    /// The effects of either.
    pub fn or(self, other: Self) -> Self {
        Self {
            clock: self.clock | other.clock,
            random: self.random | other.random,
            counter: self.counter | other.counter,
            session: self.session | other.session,
            insert_id: self.insert_id | other.insert_id,
            lock: self.lock | other.lock,
            waits: self.waits | other.waits,
            file: self.file | other.file,
            server: self.server | other.server,
            database: self.database | other.database,
        }
    }

    /// True if two shards that are told the same time may come to different values.
    pub fn differs_between_shards(self) -> bool {
        self.random || self.counter || self.server
    }

    /// Sets the effect that the table calls `name`; false if there is none.
    fn set(&mut self, name: &str) -> bool {
        let flag = match name {
            "clock" => &mut self.clock,
            "random" => &mut self.random,
            "counter" => &mut self.counter,
            "session" => &mut self.session,
            "insert_id" => &mut self.insert_id,
            "lock" => &mut self.lock,
            "waits" => &mut self.waits,
            "file" => &mut self.file,
            "server" => &mut self.server,
            "database" => &mut self.database,
            _ => return false,
        };
        *flag = true;
        true
    }
}

/// A built-in function of one kind of server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BuiltIn {
    /// How many rows it looks at.
    pub kind: RowScope,
    /// What it depends on or does.
    pub effects: Effects,
    /// In quotes the name is no longer this function.
    keyword: bool,
    /// First version of the server that has it, as [`Flavor::version`].
    since: u32,
}

/// A name's function on MariaDB and on MySQL.
type Entry = [Option<BuiltIn>; 2];

static TABLE: LazyLock<HashMap<&'static str, Entry>> =
    LazyLock::new(|| read(include_str!("functions/builtin.txt")).0);
/// Longer names are no built-in functions.
const NAME_MAX: usize = 40;

/// The built-in function that `name` calls on such a server; `None` if the name is not known to be one.
pub fn find(name: &str, quoted: bool, flavor: Flavor) -> Option<BuiltIn> {
    let entry = entry(name.as_bytes())?;
    let f = entry[usize::from(!flavor.mariadb)]?;
    (f.since <= flavor.version && !(quoted && f.keyword)).then_some(f)
}

/// The effects that calling `name` has on any kind of server; none if it is not known.
pub fn effects(name: &[u8], quoted: bool) -> Effects {
    let known = entry(name).into_iter().flatten().flatten();
    known
        .filter(|f| !(quoted && f.keyword))
        .fold(Effects::default(), |all, f| all.or(f.effects))
}

fn entry(name: &[u8]) -> Option<Entry> {
    let mut upper = [0; NAME_MAX];
    let upper = upper.get_mut(..name.len())?;
    upper.copy_from_slice(name);
    upper.make_ascii_uppercase();
    TABLE.get(std::str::from_utf8(upper).ok()?).copied()
}

/// The table, and the words in it that are not understood.
fn read(text: &'static str) -> (HashMap<&'static str, Entry>, Vec<&'static str>) {
    let mut table: HashMap<&str, Entry> = HashMap::new();
    let mut odd = Vec::new();
    let mut head = None;
    for line in text.lines().filter(|l| !l.starts_with('#')) {
        match line.strip_suffix(':') {
            Some(words) => head = read_head(words, &mut odd),
            None => {
                let Some((function, servers)) = head else {
                    odd.push(line);
                    continue;
                };
                for name in line.split_ascii_whitespace() {
                    let entry = table.entry(name).or_default();
                    for (at, has) in entry.iter_mut().zip(servers) {
                        if has && at.replace(function).is_some() {
                            odd.push(name);
                        }
                    }
                }
            }
        }
    }
    (table, odd)
}

fn read_head(words: &'static str, odd: &mut Vec<&'static str>) -> Option<(BuiltIn, [bool; 2])> {
    let mut words = words.split(' ');
    let kind = match words.next()? {
        "row" => RowScope::Row,
        "aggregate" => RowScope::Aggregate,
        "window" => RowScope::Window,
        other => {
            odd.push(other);
            return None;
        }
    };
    let (servers, since) = match words.next()? {
        "both" => ([true, true], 0),
        "mysql" => ([false, true], 0),
        server => {
            let (name, version) = server.split_once('-').unwrap_or((server, "0"));
            if name != "mariadb" {
                odd.push(server);
            }
            ([true, false], Flavor::from_version(version).version)
        }
    };
    let keyword = words.next()? == "keyword";
    let mut effects = Effects::default();
    for word in words {
        if !effects.set(word) {
            odd.push(word);
        }
    }
    let function = BuiltIn {
        kind,
        effects,
        keyword,
        since,
    };
    Some((function, servers))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MARIADB: Flavor = Flavor {
        mariadb: true,
        version: 101_119,
        newest: 101_119,
    };
    const MYSQL: Flavor = Flavor {
        mariadb: false,
        version: 90_704,
        newest: 90_704,
    };

    #[test]
    fn the_table_is_read_whole() {
        let (table, odd) = read(include_str!("functions/builtin.txt"));
        assert_eq!(odd, Vec::<&str>::new());
        assert!(table.len() > 450, "{}", table.len());
        assert!(
            table
                .keys()
                .all(|n| n.len() <= NAME_MAX && *n == n.to_ascii_uppercase())
        );
        assert_eq!(read("row both native blue:\n A A\n").1, ["blue", "A", "A"]);
    }

    #[test]
    fn names_by_server_and_quotes() {
        let kind = |n: &str, q, f| find(n, q, f).map(|f| f.kind);
        assert_eq!(kind("count", false, MARIADB), Some(RowScope::Aggregate));
        assert_eq!(kind("count", true, MARIADB), None);
        assert_eq!(kind("sLeep", true, MYSQL), Some(RowScope::Row));
        assert_eq!(kind("median", false, MARIADB), Some(RowScope::Window));
        assert_eq!(kind("median", false, MYSQL), None);
        assert_eq!(kind("uuid_v7", false, MARIADB), None);
        let new = Flavor {
            version: 110_802,
            ..MARIADB
        };
        assert_eq!(kind("uuid_v7", false, new), Some(RowScope::Row));
        assert_eq!(kind("my_function", false, MARIADB), None);
        assert_eq!(kind(&"long".repeat(30), false, MARIADB), None);
    }

    #[test]
    fn effects_on_any_server() {
        assert!(effects(b"get_lock", true).lock && effects(b"Load_File", false).file);
        assert!(effects(b"row_count", true).session && !effects(b"user", true).session);
        assert!(effects(b"nextval", false).differs_between_shards());
        assert!(effects(b"NOW", false).clock && !effects(b"NOW", false).differs_between_shards());
        assert_eq!(effects(b"abs", false), Effects::default());
    }
}
