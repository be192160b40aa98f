//! What each right lets through, by statements.

use super::*;
use catalog::{Catalog, Rights, Verifiers};
use sql::{Flavor, LexMode, Lexed};

fn catalog() -> Catalog {
    let mut c = Catalog::default();
    let shard = catalog::ShardId(1);
    for name in ["shop", "bank"] {
        let database = catalog::Database {
            default_shard: shard,
        };
        c.databases.insert(name.to_string(), database);
        let table = catalog::Table {
            id: catalog::TableId(name.len() as u64),
            name: catalog::TableName::new(name, format!("{name}_t")),
            placement: catalog::Placement::Single(shard),
            definition: Default::default(),
            auto_increment: None,
        };
        c.insert_table(table);
    }
    c
}

fn may(grants: &[(&str, &str)], sql: &str) -> bool {
    let mut user = User::new(Verifiers(vec![]));
    for (database, rights) in grants {
        user.grant(database, rights.parse::<Rights>().unwrap());
    }
    let (text, mode) = (sql.as_bytes(), LexMode::default());
    let lexed = Lexed::new(text, mode, Flavor::default()).unwrap();
    let catalog = catalog();
    let ctx = PlanContext {
        catalog: &catalog,
        database: Some("shop"),
        mode,
        flavor: Flavor::default(),
    };
    let planned = crate::Planned::of(ctx, text, &lexed);
    planned.privileges.missing(&user).is_none()
}

#[test]
fn reading_and_writing() {
    let read = [("shop", "read")];
    for sql in [
        "select * from shop_t",
        "select 1",
        "select x.a from shop.shop_t x",
        "select * from unknown_to_the_catalog",
        "explain select * from shop_t",
        "set @a = (select 1 from shop_t)",
        "show tables",
        "describe shop_t",
        "select table_name from information_schema.tables",
        "begin",
        "select a.x, b.y from shop_t a join shop_t b on a.i = b.i where a.x in (1, b.y) order by a.x",
        "select extract(year from a.d), trim(leading 'x' from a.s), f(a.x, b.y) from shop_t a",
        "select 1 from shop_t a, shop_t b where (a.x, b.y) in ((1, 2))",
        "select a.x from shop_t a group by a.x, b.y having a.x limit 1, 2",
    ] {
        assert!(may(&read, sql), "{sql}");
    }
    for sql in [
        "select * from bank.bank_t",
        "select * from `bank` . bank_t",
        "select * from BANK.bank_t",
        "select * from shop_t where a in (select b from bank.bank_t)",
        "select * from stray.t",
        "select * from shop_t for update",
        "insert into shop_t values (1)",
        "insert into unknown values (1)",
        "update shop_t set a = 1",
        "delete from shop_t",
        "analyze update shop_t set a = 1",
        "explain delete from shop_t",
        "call p()",
        "drop table shop_t",
        "create table n (a int)",
        "use bank",
        "show tables from bank",
        "show events from bank",
        "show create table bank.bank_t",
        "select * from mysql.user",
        "use mysql",
        "select * from information_schema.processlist",
        "select * from information_schema.innodb_trx",
        "set global max_connections = 1",
        "show shards",
        "show create user root",
        "select * from shop_t into outfile '/x'",
        "select load_file('/etc/passwd')",
        "select `load_file` ('/etc/passwd')",
        "begin not atomic execute immediate 'x'; end",
        "select b.* from shop_t a, secret.b b",
        "select b.* from (shop_t a, secret.b b)",
        "select * from shop_t a join shop_t b on a.x = 1, secret.c",
        "select * from shop_t straight_join secret.b",
        "delete shop_t, secret.b from shop_t",
    ] {
        assert!(!may(&read, sql), "{sql}");
    }
}

#[test]
fn rows_from_one_database_into_another() {
    let grants = [("shop", "write"), ("bank", "read")];
    assert!(may(&grants, "insert into shop_t select * from bank.bank_t"));
    assert!(!may(&grants, "insert into bank.bank_t select 1"));
    assert!(!may(&grants, "update shop_t, bank.bank_t set bank_t.a = 1"));
}

#[test]
fn structure() {
    let ddl = [("shop", "ddl")];
    assert!(may(&ddl, "create table n (a int)"));
    assert!(may(&ddl, "truncate table shop_t"));
    assert!(!may(&ddl, "alter table shop_t rename to bank.x"));
    assert!(!may(&ddl, "rename table shop_t to bank.x"));
    assert!(!may(&ddl, "create table n like bank.bank_t"));
    assert!(!may(&ddl, "create view v as select * from bank.bank_t"));
    assert!(!may(&ddl, "create procedure p() execute immediate 'x'"));
    assert!(!may(&ddl, "create database other"));
    for outside in [
        "create table n (a int) engine=myisam data directory='/tmp'",
        "create table n (a int) index directory '/tmp'",
        "create table n (a int) partition by hash (a) (partition p data directory = '/tmp')",
        "create table n (a int) engine=connect table_type=csv",
        "create table n (a int) engine 'FEDERATED'",
        "create table n (a int) engine=InnoDB connection='mysql://x'",
        "alter table shop_t engine = `spider`",
        "create function f returns string soname 'x.so'",
        "create server s foreign data wrapper mysql options (host 'x')",
    ] {
        assert!(!may(&ddl, outside), "{outside}");
    }
    assert!(may(
        &ddl,
        "create table n (server int, connection int, data int) engine=aria"
    ));
    assert!(!may(&ddl, "drop database shop"));
    assert!(may(&[("shop", "admin")], "drop database shop"));
    assert!(may(&[("*", "admin")], "create database other"));
    assert!(may(&[("*", "admin")], "select * from mysql.user"));
}
