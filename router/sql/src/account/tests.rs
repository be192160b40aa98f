//! What is read, what is refused, and that passwords are shown nowhere.

use super::*;
use crate::{Flavor, LexMode, Lexed};

fn p(sql: &str) -> Option<AccountStatement> {
    let l = Lexed::new(sql.as_bytes(), LexMode::default(), Flavor::default()).unwrap();
    parse(Cursor::new(sql.as_bytes(), &l.tokens, LexMode::default()))
}

fn user(name: &str, host: Option<&str>) -> NamedUser {
    NamedUser {
        name: Some(name.to_string()),
        host: host.map(str::to_string),
    }
}

#[test]
fn users_with_passwords() {
    let secret = || Secret::Password("it's".into());
    for sql in [
        "CREATE USER IF NOT EXISTS 'app'@'%' IDENTIFIED BY 'it''s', b@localhost IDENTIFIED BY 'it''s'",
        "create user if not exists `app`@`%` identified with mysql_native_password by 'it''s', \
         b @localhost identified via caching_sha2_password using password('it''s') require none;",
    ] {
        let users = vec![
            (user("app", Some("%")), secret()),
            (user("b", Some("localhost")), secret()),
        ];
        let expected = AccountStatement::Create {
            users,
            if_not_exists: true,
        };
        assert_eq!(p(sql), Some(expected), "{sql}");
    }
    let own = NamedUser {
        name: None,
        host: None,
    };
    for sql in [
        "SET PASSWORD = 'it''s'",
        "SET PASSWORD = PASSWORD('it''s')",
        "ALTER USER CURRENT_USER() IDENTIFIED BY 'it''s'",
    ] {
        let expected = AccountStatement::Password {
            users: vec![(own.clone(), secret())],
            if_exists: false,
        };
        assert_eq!(p(sql), Some(expected), "{sql}");
    }
    let shown = format!("{:?}", p("CREATE USER a IDENTIFIED BY 'geheim'"));
    assert!(!shown.contains("geheim"), "{shown}");
    assert_eq!(
        p("DROP USER a, 'b'@'h'"),
        Some(AccountStatement::Drop {
            users: vec![user("a", None), user("b", Some("h"))],
            if_exists: false,
        })
    );
}

#[test]
fn rights_are_groups() {
    let of = |sql: &str| match p(sql) {
        Some(AccountStatement::Rights {
            granted, database, ..
        }) => Ok((granted, database)),
        Some(AccountStatement::Unsupported(why)) => Err(why),
        other => panic!("{sql}: {other:?}"),
    };
    let some = |read, write, ddl| Granted::Some { read, write, ddl };
    assert_eq!(
        of("GRANT ALL ON *.* TO a WITH GRANT OPTION"),
        Ok((Granted::All, Some("*".into())))
    );
    assert_eq!(
        of(r"GRANT SELECT, SHOW VIEW ON `my\_db`.* TO a@'%'"),
        Ok((some(true, false, false), Some("my_db".into())))
    );
    assert_eq!(
        of("REVOKE INSERT, UPDATE, DELETE, CREATE, ALTER, DROP, INDEX ON * FROM a"),
        Ok((some(false, true, true), None))
    );
    assert_eq!(
        of("GRANT USAGE ON *.* TO a"),
        Ok((some(false, false, false), Some("*".into())))
    );
    for refused in [
        "GRANT INSERT ON d.* TO a",
        "GRANT SELECT ON d.t TO a",
        "GRANT SELECT (x) ON d.* TO a",
        "GRANT EXECUTE ON PROCEDURE d.p TO a",
        "GRANT SELECT ON d.* TO a WITH GRANT OPTION",
        "GRANT SELECT ON d.* TO a IDENTIFIED BY 'x'",
        "GRANT FILE ON *.* TO a",
        "GRANT r TO a",
        "GRANT PROXY ON a TO b",
        "REVOKE DELETE ON d.* FROM a",
    ] {
        assert!(of(refused).is_err(), "{refused}");
    }
    let all = "REVOKE ALL PRIVILEGES, GRANT OPTION FROM a";
    assert_eq!(
        p(all),
        Some(AccountStatement::RevokeAll(vec![user("a", None)]))
    );
}

#[test]
fn the_rest_is_refused_or_somebody_elses() {
    for sql in [
        "CREATE USER a",
        "CREATE ROLE r",
        "SET ROLE r",
        "SET DEFAULT ROLE r",
        "RENAME USER a TO b",
        "CREATE USER a IDENTIFIED BY 'x' REQUIRE SSL",
        "CREATE USER a IDENTIFIED VIA unix_socket",
        "ALTER USER a ACCOUNT LOCK",
    ] {
        let read = p(sql);
        assert!(
            matches!(read, Some(AccountStatement::Unsupported(_))),
            "{sql}: {read:?}"
        );
    }
    for other in [
        "CREATE TABLE user (id INT)",
        "SET @a = 1",
        "DROP TABLE user",
        "ALTER TABLE user ADD a INT",
    ] {
        assert_eq!(p(other), None, "{other}");
    }
}
