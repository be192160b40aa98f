//! Changes, one after the other, and what the catalog is afterwards.

use super::*;
use crate::definition::TableDefinition;
use crate::function::Function;
use crate::group::Sharding;
use crate::job::NewJobKind;
use crate::key::KeyType;
use std::sync::Arc;

fn base() -> Catalog {
    let mut c = Catalog::default();
    for n in ["s1", "s2"] {
        let put = Command::PutShard {
            name: n.into(),
            host: "127.0.0.1".into(),
            port: 3306,
        };
        c = c.apply(&put).unwrap();
    }
    c
}

fn table(name: &str) -> Table {
    let key = vec![KeyColumn {
        name: "id".into(),
        kind: KeyType::Integer { min: 0, max: 9 },
    }];
    let f = Function::even_hash(&[ShardId(1), ShardId(2)]);
    Table {
        id: TableId(0),
        name: TableName::new("d", name),
        placement: Placement::Sharded(Box::new(Sharding::new(key, f, GroupId(0)).unwrap())),
        definition: TableDefinition::of_names(["id"]).into(),
        auto_increment: None,
    }
}

fn start_job(statement: &str, object: TableName, shards: Vec<ShardId>) -> Command {
    Command::StartJob(NewJob {
        database: None,
        objects: vec![object],
        shards,
        kind: NewJobKind::Ddl(statement.to_string()),
    })
}

/// Runs a whole job.
fn finish(c: &Catalog, object: &str, effect: Effect) -> Result<Catalog, Rejected> {
    let start = start_job(object, TableName::new("d", object), c.shard_ids());
    let mut c = c.apply(&start).unwrap();
    let job = JobId(c.last_id);
    let finish = Command::FinishJob { job, effect };
    assert!(matches!(c.apply(&finish), Err(Rejected::Unfinished(_))));
    for shard in c.shard_ids() {
        let done = Command::Progress {
            job,
            shard,
            progress: ShardProgress::Done,
        };
        c = c.apply(&done).unwrap();
    }
    c.apply(&finish)
}

fn create(c: &Catalog, name: &str) -> Catalog {
    finish(c, name, Effect::put_table(&table(name))).unwrap()
}

#[test]
fn a_table_appears_only_when_every_shard_has_it() {
    let c = create(&base(), "a");
    assert!(c.table("d", "a").is_some() && c.jobs.is_empty());
}

#[test]
fn like_placed_tables_share_a_group() {
    let c = create(&create(&base(), "a"), "b");
    let group = |t: &str| c.table("d", t).unwrap().sharding().unwrap().group.clone();
    assert!(Arc::ptr_eq(&group("a"), &group("b")));
    assert!(Arc::ptr_eq(&group("a"), &c.groups[&group("a").id]));
    let text = serde_json::to_string(&c).unwrap();
    let again: Catalog = serde_json::from_str(&text).unwrap();
    assert_eq!(again, c);
    let group = |t: &str| {
        again
            .table("d", t)
            .unwrap()
            .sharding()
            .unwrap()
            .group
            .clone()
    };
    assert!(Arc::ptr_eq(&group("a"), &group("b")));
}

#[test]
fn a_group_goes_with_its_last_table_and_its_number_is_not_given_again() {
    let c = create(&create(&base(), "a"), "b");
    let first = c.groups.keys().next().unwrap().0;
    let drop = |c: &Catalog, name: &str| {
        let effect = Effect::DropTables(vec![TableName::new("d", name)]);
        finish(c, name, effect).unwrap()
    };
    let c = drop(&c, "a");
    assert_eq!(c.groups.len(), 1);
    let c = drop(&c, "b");
    assert!(c.groups.is_empty());
    let c = create(&c, "c");
    assert!(c.groups.keys().next().unwrap().0 > first);
}

#[test]
fn two_jobs_on_one_table_clash() {
    let start = |db: &str, t: &str| start_job("x", TableName::new(db, t), vec![]);
    let c = base().apply(&start("d", "a")).unwrap();
    assert!(matches!(c.apply(&start("d", "a")), Err(Rejected::Busy(..))));
    assert!(matches!(c.apply(&start("d", "")), Err(Rejected::Busy(..))));
    assert!(c.apply(&start("e", "a")).is_ok());
}

#[test]
fn a_new_shard_without_the_rows_of_reference_tables_is_refused() {
    let mut c = base();
    let city = Table {
        placement: Placement::Reference,
        ..table("city")
    };
    c.insert_table(city);
    let put = |name: &str, port| Command::PutShard {
        name: name.into(),
        host: "127.0.0.1".into(),
        port,
    };
    let refused = c.apply(&put("s3", 3306)).unwrap_err().to_string();
    assert!(refused.contains("d.city"), "{refused}");
    assert!(c.apply(&put("s2", 4000)).is_ok(), "a known shard may move");
}

#[test]
fn epochs_rise_by_one() {
    let c = base();
    assert_eq!(c.epoch, 2);
    assert_eq!(create(&c, "a").epoch, 2 + 1 + 2 + 1);
}

/// Table `child` of `parent`, by a foreign key.
fn family() -> Catalog {
    let mut c = create(&create(&base(), "parent"), "child");
    let key = crate::definition::ForeignKey {
        name: "up".into(),
        columns: vec!["id".into()],
        table: TableName::new("d", "parent"),
        referred: vec!["id".into()],
        on_update: Default::default(),
        on_delete: Default::default(),
    };
    let child = c.table("d", "child").unwrap();
    let mut definition = (*child.definition).clone();
    definition.foreign_keys.push(key);
    definition.columns[0].data_type = "int".into();
    let set = redefine("child", definition);
    c = c.apply(&set).unwrap();
    c
}

fn redefine(name: &str, definition: TableDefinition) -> Command {
    Command::SetDefinitions {
        tables: vec![Redefined {
            table: TableName::new("d", name),
            definition: Arc::new(definition),
            auto_increment: None,
        }],
    }
}

#[test]
fn a_definition_is_taken_over_unless_the_sharding_key_is_gone_or_a_job_runs() {
    let c = family();
    let child = c.table("d", "child").unwrap();
    assert!(child.definition.is_whole());
    assert!(!c.table("d", "parent").unwrap().definition.is_whole());
    let mut other = (*child.definition).clone();
    other.columns[0].name = "ident".into();
    let refused = c.apply(&redefine("child", other)).unwrap_err().to_string();
    assert!(refused.contains("sharded by the column id"), "{refused}");
    let missing = c.apply(&redefine("nobody", TableDefinition::of_names(["id"])));
    assert_eq!(missing, Err(Rejected::Missing("table d.nobody".into())));
    let start = start_job("ALTER TABLE child", TableName::new("d", "child"), vec![]);
    let busy = c.apply(&start).unwrap();
    let again = redefine("child", TableDefinition::of_names(["id"]));
    assert!(matches!(busy.apply(&again), Err(Rejected::Busy(..))));
}

#[test]
fn foreign_keys_follow_a_renamed_table() {
    let c = family();
    let (from, to) = (TableName::new("d", "parent"), TableName::new("d", "mother"));
    let c = finish(&c, "parent", Effect::Rename(vec![(from, to.clone())])).unwrap();
    let child = c.table("d", "child").unwrap();
    assert_eq!(child.definition.foreign_keys[0].table, to);
    let text = serde_json::to_string(&c).unwrap();
    assert_eq!(serde_json::from_str::<Catalog>(&text).unwrap(), c);
}

#[test]
fn equal_definitions_are_one_value_once_they_are_read() {
    let mut c = create(&create(&base(), "a"), "b");
    let mut definition = TableDefinition::of_names(["id"]);
    definition.columns[0].data_type = "int".into();
    for name in ["a", "b"] {
        c = c.apply(&redefine(name, definition.clone())).unwrap();
    }
    let text = serde_json::to_string(&c).unwrap();
    let c: Catalog = serde_json::from_str(&text).unwrap();
    let of = |name: &str| c.table("d", name).unwrap().definition.clone();
    assert!(Arc::ptr_eq(&of("a"), &of("b")));
}
