//! What is read out of DDL.

use super::*;
use crate::shard_by::ShardBy;
use crate::{Flavor, LexMode, Lexed};

fn p(sql: &str) -> Option<Result<Ddl, ClauseError>> {
    let l = Lexed::new(sql.as_bytes(), LexMode::default(), Flavor::default()).unwrap();
    parse(Cursor::new(sql.as_bytes(), &l.tokens, LexMode::default()))
}

fn table(sql: &str) -> CreateTable {
    match p(sql) {
        Some(Ok(Ddl::CreateTable(t))) => t,
        other => panic!("{sql}: {other:?}"),
    }
}

#[test]
fn create_table_with_a_clause() {
    let sql = "CREATE TABLE IF NOT EXISTS d.t (a int, FOREIGN KEY (a) REFERENCES u (b)) \
               ENGINE=InnoDB SHARD BY HASH (a)";
    let t = table(sql);
    assert_eq!(t.table.to_string(), "d.t");
    assert_eq!(&sql[t.clause.unwrap()], "SHARD BY HASH (a)");
    assert_eq!(t.foreign_keys[0].columns, ["a"]);
    assert!(t.if_not_exists && !t.temporary);
}

#[test]
fn create_table_with_a_comment() {
    let t = table("create table x (a int) comment 'shard by hash(a)' engine=innodb");
    assert!(matches!(t.rule.unwrap().by, ShardBy::Hash { .. }) && t.clause.is_none());
    assert_eq!(
        table("create table x (a int comment 'shard by hash(a)')").rule,
        None
    );
    assert!(
        p("create table x (a int) comment='shard by magic'")
            .unwrap()
            .is_err()
    );
}

#[test]
fn other_creates() {
    assert!(table("create table a like b").like.is_some());
    assert!(table("create table a as select 1").selects);
    assert!(table("create table a (b int) select 1").selects);
    assert!(table("create temporary table a (b int)").temporary);
    assert!(!table("create table a (b int) with system versioning").selects);
    let Some(Ok(Ddl::CreateDatabase { shard, .. })) = p("create database d default shard s2")
    else {
        panic!()
    };
    assert_eq!(shard.unwrap().1, "s2");
    assert!(matches!(
        p("create definer=`a`@`%` sql security invoker view v (x) as select 1"),
        Some(Ok(Ddl::CreateView { .. }))
    ));
    assert!(matches!(p("create unique index i on t (a, b(10))"),
        Some(Ok(Ddl::CreateIndex { unique: true, columns, .. })) if columns == ["a"]));
    assert!(matches!(
        p("create or replace procedure p() select 1"),
        Some(Ok(Ddl::Routine(_)))
    ));
    assert_eq!(p("create user x"), None);
}

#[test]
fn the_table_of_a_trigger() {
    let of = |sql: &str| {
        let (text, mode) = (sql.as_bytes(), LexMode::default());
        let lexed = Lexed::new(text, mode, Flavor::default()).unwrap();
        trigger_table(Cursor::new(text, &lexed.tokens, mode)).map(|t| t.to_string())
    };
    let simple = "create trigger t before insert on d.x for each row set new.a = 1";
    assert_eq!(of(simple).as_deref(), Some("d.x"));
    let all = "create or replace definer = `on`@`%` trigger if not exists `on` after update on `on` \
               for each row follows u set @a = 1";
    assert_eq!(of(all).as_deref(), Some("on"));
    assert_eq!(
        of("create procedure p() begin create trigger t before insert on x; end"),
        None
    );
    assert_eq!(of("drop trigger t"), None);
}

#[test]
fn alter_names_what_it_touches() {
    let actions = |sql: &str| match p(sql) {
        Some(Ok(Ddl::AlterTable { actions, .. })) => actions,
        other => panic!("{other:?}"),
    };
    assert_eq!(
        actions("alter table t drop column a, modify b int, add c int"),
        [
            AlterAction::Column("a".into()),
            AlterAction::Column("b".into()),
            AlterAction::Other
        ]
    );
    assert_eq!(
        actions("alter table t add unique key u (a, b)"),
        [AlterAction::UniqueKey(vec!["a".into(), "b".into()])]
    );
    assert_eq!(
        actions("alter table t add column x int unique"),
        [AlterAction::UniqueKey(vec!["x".into()])]
    );
    assert_eq!(
        actions("alter table t add unique key u (a(3), b)"),
        [AlterAction::UniqueKey(vec!["b".into()])],
        "a prefix of a is not a"
    );
    assert!(matches!(
        actions("alter table t rename to d.u")[0],
        AlterAction::RenameTo(_)
    ));
    assert!(matches!(
        actions("alter table t add constraint f foreign key (a) references u (b)")[0],
        AlterAction::ForeignKey(_)
    ));
    assert_eq!(
        actions("alter table t comment='shard by hash(x)'"),
        [AlterAction::RuleComment]
    );
    assert_eq!(
        actions("alter table t drop primary key"),
        [AlterAction::Other]
    );
}

#[test]
fn drops_and_renames() {
    assert!(matches!(p("drop table if exists a, b.c"),
        Some(Ok(Ddl::DropTable { tables, if_exists: true, .. })) if tables.len() == 2));
    assert!(matches!(
        p("rename table a nowait to b, c wait 3 to d"),
        Some(Ok(Ddl::RenameTable { pairs, .. })) if pairs.len() == 2
    ));
    assert!(matches!(p("truncate t"), Some(Ok(Ddl::Truncate(_)))));
    assert!(matches!(
        p("drop index i on t"),
        Some(Ok(Ddl::DropIndex(_)))
    ));
    assert!(matches!(p("analyze table a, b"), Some(Ok(Ddl::Maintain(v))) if v.len() == 2));
    assert_eq!(p("select 1"), None);
}
