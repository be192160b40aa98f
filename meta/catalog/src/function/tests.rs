//! Placement of keys under each function.

use super::*;

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
    let c = Compiled::new(&Function::even_hash(&[s(1), s(2)]), &int_key()).unwrap();
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
    let c = Compiled::new(&range(&[("10", 1), ("20", 2)]), &int_key()).unwrap();
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
    assert!(Compiled::new(&range(&[("10", 1), ("10", 2)]), &int_key()).is_err());
    assert!(Compiled::new(&range(&[("max", 1), ("10", 2)]), &int_key()).is_err());
    assert!(Compiled::new(&range(&[("x", 1)]), &int_key()).is_err());
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
        Compiled::new(&twice, &int_key())
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
        Compiled::new(&Function::List(p), &int_key()).unwrap()
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
    let c = Compiled::new(&f, &key).unwrap();
    assert_eq!(c.shard(&[n(10), n(4)]), Ok(s(1)));
    assert_eq!(c.shard(&[n(10), n(5)]), Ok(s(2)));
    assert_eq!(
        c.shards_between(Some(&n(10)), Some(&n(10)))
            .unwrap()
            .to_vec(),
        [s(1), s(2)]
    );
}
