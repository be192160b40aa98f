//! SHOW PROXY SESSIONS: the sessions of every proxy. One that does not answer has a row that says so, and a
//! warning with the reason.

use crate::exec::Run;
use crate::session::diagnostics::Diagnostics;
use crate::session::{Done, Outcome, Session, Stop};
use peers::call::{SessionView, SessionsAsked};
use peers::{Asked, Heard};
use wire::column::ResultColumn;
use wire::resultset::ResultSet;

/// ER_UNKNOWN_ERROR: there is none for a proxy that does not answer.
const SILENT_CODE: &str = "1105";

/// Answers with transaction and pins of each session that the user may see.
pub(crate) async fn run(s: &mut Session, run: Run<'_>) -> Done {
    let asked = of_all_proxies(s, run).await?;
    Ok(answer(s, rows(&asked), &asked, run))
}

/// The sessions that the user may see, as each proxy answers.
pub(super) async fn of_all_proxies(
    s: &mut Session,
    run: Run<'_>,
) -> Result<Asked<Vec<SessionView>>, Stop> {
    let visible_to = s.client.may_end(run.catalog)?;
    let peers = s.worker.shared.peers.clone();
    s.unless_ended(peers.ask_all(SessionsAsked { visible_to }))
        .await
}

/// Answers with rows of all proxies, and a warning for what is missing in them.
pub(super) fn answer<T>(
    s: &mut Session,
    mut set: ResultSet,
    asked: &Asked<T>,
    run: Run<'_>,
) -> Outcome {
    let mut diagnostics = Diagnostics::default();
    for text in silences(asked) {
        diagnostics.warn(SILENT_CODE, text);
    }
    set.warnings = diagnostics.count() as u16;
    let outcome = super::answer(s, &set, run);
    Outcome {
        conditions: diagnostics.into(),
        ..outcome
    }
}

/// What is missing in the answers.
fn silences<T>(asked: &Asked<T>) -> Vec<String> {
    let silent = |h: &Heard<T>| {
        let why = h.answer.as_ref().err()?;
        Some(format!(
            "proxy {} {why}; its sessions are missing",
            h.proxy.name
        ))
    };
    let silent = asked.heard.iter().filter_map(silent);
    silent.chain(asked.stale.clone()).collect()
}

fn rows(asked: &Asked<Vec<SessionView>>) -> ResultSet {
    let names = [
        "Proxy",
        "Id",
        "User",
        "Host",
        "Database",
        "Worker",
        "Command",
        "Time",
        "Transaction",
        "Pinned",
    ];
    let mut set = ResultSet::with_text_columns(&names);
    set.columns[1] = ResultColumn::number("Id", false);
    for h in &asked.heard {
        match &h.answer {
            Ok(sessions) => sessions.iter().for_each(|s| set.row(row(&h.proxy.name, s))),
            Err(why) => {
                let mut silent = vec![None; names.len()];
                silent[0] = Some(h.proxy.name.clone());
                silent[3] = Some(h.proxy.address.clone());
                silent[6] = Some(format!("no answer: {why}"));
                set.rows.push(silent);
            }
        }
    }
    set
}

fn row(proxy: &str, s: &SessionView) -> [String; 10] {
    let transaction = if s.in_transaction { "open" } else { "" };
    [
        proxy.to_string(),
        s.id.to_string(),
        s.user.clone(),
        s.host.clone(),
        s.database.clone(),
        s.worker.to_string(),
        s.command.clone(),
        s.seconds.to_string(),
        transaction.to_string(),
        s.pins.clone(),
    ]
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use meta_client::ProxyView;
    use peers::Silent;

    fn heard<T>(proxy: &str, answer: Result<T, Silent>) -> Heard<T> {
        Heard {
            proxy: ProxyView {
                incarnation: 1,
                name: proxy.into(),
                address: format!("{proxy}:3306"),
                version: "1".into(),
                since_ms: 0,
                epoch: None,
                silent_ms: None,
                draining: false,
                peer: None,
                number: 1,
            },
            answer,
        }
    }

    /// One session of one proxy, and one that is silent.
    pub(in super::super) fn asked() -> Asked<Vec<SessionView>> {
        let session = SessionView {
            id: 4_194_305,
            user: "app".into(),
            host: "10.0.0.9:5".into(),
            database: String::new(),
            worker: 1,
            command: "Query".into(),
            seconds: 3,
            statement: Some("x".repeat(150)),
            in_transaction: true,
            pins: "LOCK TABLES".into(),
        };
        Asked {
            heard: vec![
                heard("one", Ok(vec![session])),
                heard("two", Err(Silent::Late(1_000))),
            ],
            stale: None,
        }
    }

    #[test]
    fn a_silent_proxy_has_a_row_and_a_warning() {
        let set = rows(&asked());
        assert_eq!(set.rows.len(), 2);
        let text: Vec<_> = set.rows[1].iter().flatten().cloned().collect();
        assert_eq!(text[..2], ["two", "two:3306"]);
        assert!(text[2].contains("1000 ms"), "{text:?}");
        assert_eq!(silences(&asked()).len(), 1);
    }

    #[test]
    fn a_list_that_may_be_old_is_a_warning() {
        let old = Asked::<()> {
            heard: Vec::new(),
            stale: Some("the list is 9 s old".into()),
        };
        assert_eq!(silences(&old), ["the list is 9 s old"]);
    }
}
