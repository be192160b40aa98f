//! SHOW PROCESSLIST: the sessions of every proxy, in a server's columns.

use super::sessions;
use crate::exec::Run;
use crate::session::{Done, Session};
use peers::Asked;
use peers::call::SessionView;
use wire::column::ResultColumn;
use wire::resultset::ResultSet;

/// Characters of a statement that are shown without FULL.
const INFO_CHARS: usize = 100;

/// Answers with the sessions that the user may see.
pub(crate) async fn run(s: &mut Session, full: bool, run: Run<'_>) -> Done {
    let asked = sessions::of_all_proxies(s, run).await?;
    Ok(sessions::answer(s, rows(&asked, full), &asked, run))
}

fn rows(asked: &Asked<Vec<SessionView>>, full: bool) -> ResultSet {
    let names = [
        "Id", "User", "Host", "db", "Command", "Time", "State", "Info",
    ];
    let mut set = ResultSet::with_text_columns(&names);
    set.columns[0] = ResultColumn::number("Id", false);
    set.columns[5] = ResultColumn::number("Time", false);
    for h in &asked.heard {
        match &h.answer {
            Ok(sessions) => set.rows.extend(sessions.iter().map(|s| row(s, full))),
            // Tools know such rows of a server's own threads, and leave them alone.
            Err(why) => set.rows.push(vec![
                Some("0".to_string()),
                Some("system user".to_string()),
                Some(h.proxy.address.clone()),
                None,
                Some("Daemon".to_string()),
                Some("0".to_string()),
                Some("no answer".to_string()),
                Some(format!(
                    "proxy {} {why}; its sessions are missing here",
                    h.proxy.name
                )),
            ]),
        }
    }
    set
}

fn row(s: &SessionView, full: bool) -> Vec<Option<String>> {
    let cut = |text: &String| match full {
        true => text.clone(),
        false => text.chars().take(INFO_CHARS).collect(),
    };
    vec![
        Some(s.id.to_string()),
        Some(s.user.clone()),
        Some(s.host.clone()),
        Some(s.database.clone()).filter(|d| !d.is_empty()),
        Some(s.command.clone()),
        Some(s.seconds.to_string()),
        Some(String::new()),
        s.statement.as_ref().map(cut),
    ]
}

#[cfg(test)]
mod tests {
    use super::super::sessions::tests::asked;
    use super::*;

    #[test]
    fn a_silent_proxy_has_a_row() {
        let set = rows(&asked(), false);
        let info = set.rows[1][7].as_deref().unwrap_or_default();
        assert!(info.contains("proxy two does not answer"), "{info}");
    }

    #[test]
    fn statements_are_cut_unless_full_is_asked_for() {
        let info = |full| rows(&asked(), full).rows[0][7].clone().unwrap();
        assert_eq!((info(false).len(), info(true).len()), (INFO_CHARS, 150));
    }
}
