//! Placement of keys under each function.

use super::*;

fn compile(f: &Function, key: &[KeyColumn]) -> Result<Compiled, String> {
    TableGroup::of_function(GroupId(1), f, key).map(|g| g.compiled().clone())
}

fn int_key() -> Vec<KeyColumn> {
    vec![KeyColumn {
        name: "id".into(),
        kind: KeyType::Integer {
            min: i64::MIN.into(),
            max: i64::MAX.into(),
        },
    }]
}

fn s(n: u32) -> ShardId {
    ShardId(n)
}

fn n(v: i128) -> KeyValue {
    KeyValue::Number(v)
}

fn num(v: &str) -> Upper {
    Upper::Number(v.into())
}

#[test]
fn hash_spreads_and_is_stable() {
    let c = compile(&Function::even_hash(&[s(1), s(2)]), &int_key()).unwrap();
    let mut on_first = 0;
    for i in 0..10_000 {
        on_first += usize::from(c.shard(&[n(i)]) == Ok(s(1)));
    }
    assert!((4_700..5_300).contains(&on_first), "{on_first}");
    assert_eq!(c.shard(&[n(42)]), c.shard(&[n(42)]));
    assert!(c.shard(&[KeyValue::Null]).is_ok());
}

fn range(parts: &[(&str, u32)]) -> Function {
    Function::Range(
        parts
            .iter()
            .map(|(u, shard)| RangePartition {
                name: format!("p{u}"),
                upper: vec![if *u == "max" { Upper::MaxValue } else { num(u) }],
                shard: s(*shard),
            })
            .collect(),
    )
}

#[test]
fn ranges_are_half_open() {
    let c = compile(&range(&[("10", 1), ("20", 2)]), &int_key()).unwrap();
    assert_eq!(c.shard(&[n(9)]), Ok(s(1)));
    assert_eq!(c.shard(&[n(10)]), Ok(s(2)));
    assert_eq!(c.shard(&[n(20)]), Err(NoPartition));
    assert_eq!(c.shard(&[KeyValue::Null]), Ok(s(1)));
    let between = |l, h| c.shards_between(Some(&n(l)), Some(&n(h))).unwrap().to_vec();
    assert_eq!(between(1, 9), [s(1)]);
    assert_eq!(between(9, 10), [s(1), s(2)]);
    assert_eq!(between(10, 30), [s(2)]);
    assert_eq!(between(20, 30), []);
}

#[test]
fn wrong_rules_are_refused() {
    assert!(compile(&range(&[("10", 1), ("10", 2)]), &int_key()).is_err());
    assert!(compile(&range(&[("max", 1), ("10", 2)]), &int_key()).is_err());
    assert!(compile(&range(&[("x", 1)]), &int_key()).is_err());
    let twice = Function::List(vec![
        ListPartition {
            name: "a".into(),
            values: Some(vec![vec![num("1")]]),
            shard: s(1),
        },
        ListPartition {
            name: "b".into(),
            values: Some(vec![vec![num("1")]]),
            shard: s(2),
        },
    ]);
    assert!(
        compile(&twice, &int_key())
            .unwrap_err()
            .contains("partition a and again in b")
    );
}

#[test]
fn lists_with_null_and_default() {
    let list = |default: bool| {
        let mut p = vec![ListPartition {
            name: "a".into(),
            values: Some(vec![vec![num("1")], vec![Upper::Null]]),
            shard: s(1),
        }];
        if default {
            p.push(ListPartition {
                name: "d".into(),
                values: None,
                shard: s(2),
            });
        }
        compile(&Function::List(p), &int_key()).unwrap()
    };
    assert_eq!(list(false).shard(&[KeyValue::Null]), Ok(s(1)));
    assert_eq!(list(false).shard(&[n(2)]), Err(NoPartition));
    assert_eq!(list(true).shard(&[n(2)]), Ok(s(2)));
}

#[test]
fn tuple_ranges_compare_in_order() {
    let mut key = int_key();
    key.push(KeyColumn {
        name: "b".into(),
        ..key[0].clone()
    });
    let f = Function::Range(vec![
        RangePartition {
            name: "a".into(),
            upper: vec![num("10"), num("5")],
            shard: s(1),
        },
        RangePartition {
            name: "m".into(),
            upper: vec![Upper::MaxValue],
            shard: s(2),
        },
    ]);
    let c = compile(&f, &key).unwrap();
    assert_eq!(c.shard(&[n(10), n(4)]), Ok(s(1)));
    assert_eq!(c.shard(&[n(10), n(5)]), Ok(s(2)));
    assert_eq!(
        c.shards_between(Some(&n(10)), Some(&n(10)))
            .unwrap()
            .to_vec(),
        [s(1), s(2)]
    );
}

fn slots(id: u32, ranges: &[(u16, u16)], shard: u32) -> Partition {
    Partition {
        id: PartitionId(id),
        name: format!("p{id}"),
        bounds: Bounds::Slots(ranges.to_vec()),
        shard: s(shard),
        state: PartitionState::Normal,
    }
}

fn of_slots(partitions: Vec<Partition>) -> Result<TableGroup, String> {
    let key = vec![int_key()[0].kind.widest()];
    TableGroup::new(GroupId(1), FunctionKind::Hash, key, partitions)
}

#[test]
fn a_partition_may_have_several_ranges_of_slots() {
    let split = vec![
        slots(1, &[(0, 4_000), (12_000, 16_384)], 1),
        slots(2, &[(4_000, 12_000)], 2),
    ];
    let split = of_slots(split).unwrap();
    let whole = vec![
        slots(1, &[(0, 4_000)], 1),
        slots(2, &[(4_000, 12_000)], 2),
        slots(3, &[(12_000, 16_384)], 1),
    ];
    let whole = of_slots(whole).unwrap();
    let mut seen = [0; 2];
    for i in 0..2_000 {
        let partition = split.compiled().partition(&[n(i)]).unwrap();
        seen[partition] += 1;
        assert_eq!(
            split.compiled().shard(&[n(i)]),
            whole.compiled().shard(&[n(i)])
        );
    }
    assert!(seen[0] > 900 && seen[1] > 900, "{seen:?}");
    assert_eq!(
        split.function(),
        whole.function(),
        "a rule knows ranges only"
    );
    assert!(!split.is_placed_like(&whole));
    assert_eq!(split.shards(), [s(1), s(2)]);
}

#[test]
fn every_slot_is_in_one_partition() {
    for bad in [
        vec![],
        vec![slots(1, &[(0, 16_383)], 1)],
        vec![slots(1, &[(0, 16_384)], 1), slots(2, &[(5, 6)], 1)],
        vec![slots(1, &[(0, 5)], 1), slots(2, &[(6, 16_384)], 1)],
        vec![slots(1, &[(0, 16_384), (9, 9)], 1)],
    ] {
        assert!(of_slots(bad).unwrap_err().contains("slot"));
    }
    let mut other = slots(1, &[(0, 16_384)], 1);
    other.bounds = Bounds::Default;
    assert!(
        of_slots(vec![other])
            .unwrap_err()
            .contains("another function")
    );
}

#[test]
fn a_group_is_its_function_and_back() {
    let lists = Function::List(vec![
        ListPartition {
            name: "a".into(),
            values: Some(vec![vec![num("1")], vec![Upper::Null]]),
            shard: s(2),
        },
        ListPartition {
            name: "rest".into(),
            values: None,
            shard: s(1),
        },
    ]);
    for f in [
        Function::even_hash(&[s(1), s(2), s(1)]),
        range(&[("10", 1), ("max", 2)]),
        lists,
    ] {
        let g = TableGroup::of_function(GroupId(7), &f, &int_key()).unwrap();
        assert_eq!(g.function(), f);
        let numbers: Vec<_> = g.partitions().iter().map(|p| p.id.0).collect();
        assert_eq!(numbers, Vec::from_iter(1..=numbers.len() as u32));
        let text = serde_json::to_string(&g).unwrap();
        assert_eq!(serde_json::from_str::<TableGroup>(&text).unwrap(), g);
    }
}

#[test]
fn tables_join_a_group_with_keys_of_its_widest_types() {
    let f = Function::even_hash(&[s(1)]);
    let wide = Sharding::new(int_key(), f, GroupId(1)).unwrap();
    let mut key = int_key();
    key[0].kind = KeyType::Integer { min: 0, max: 255 };
    let narrow = Sharding::in_group(key, wide.group.clone()).unwrap();
    assert!(narrow.is_placed_like(&wide));
    let mut key = int_key();
    key[0].kind = KeyType::Date;
    assert!(Sharding::in_group(key, wide.group.clone()).is_err());
    let two = [int_key(), int_key()].concat();
    assert!(Sharding::in_group(two, wide.group.clone()).is_err());
}
