//! Clauses of odd texts.

use super::*;
use crate::{Flavor, LexMode, Lexed};

/// Runs `f` on the outline of a text; token ranges become their text.
fn outlined<T>(sql: &str, f: impl Fn(&Outline<'_>, &dyn Fn(TokenRange) -> String) -> T) -> T {
    let l = Lexed::new(sql.as_bytes(), LexMode::default(), Flavor::default()).unwrap();
    let outline = Outline::new(sql.as_bytes(), &l.tokens).unwrap();
    f(&outline, &|r: TokenRange| {
        sql[r.bytes(&l.tokens)].to_string()
    })
}

fn clauses(sql: &str) -> Vec<String> {
    outlined(sql, |o, text| {
        let whole = o.whole();
        let s = o.select(0, whole.end);
        let tail = o.tail(
            TokenRange::new(s.end, whole.end),
            !sql.to_lowercase().starts_with("select"),
        );
        let parts = [
            s.items,
            s.from,
            s.set,
            s.using,
            s.conditions,
            s.group_by,
            s.having,
            s.windows,
            tail.order_by,
            tail.limit,
            tail.returning,
        ];
        parts
            .into_iter()
            .flatten()
            .map(|c| text(c.content))
            .collect()
    })
}

#[test]
fn clauses_of_a_select() {
    assert_eq!(
        clauses(
            "select distinct a, (select b from c where d) from t where x=1 group by a, b having c \
             order by 1 limit 2"
        ),
        [
            "a, (select b from c where d)",
            "t",
            "x=1",
            "a, b",
            "c",
            "1",
            "2"
        ]
    );
    assert_eq!(
        clauses(
            "SELECT/*+ hint */ sql_no_cache 'from', `where` /* from u */ From t -- where\n\
             where 'ä' = \"ö from\";"
        ),
        ["'from', `where`", "t", "'ä' = \"ö from\""]
    );
    assert_eq!(
        clauses("select t.from, t.order from t"),
        ["t.from, t.order", "t"]
    );
    assert_eq!(
        clauses(
            "select a from t use index for order by (i) group by a with rollup \
             order by a desc limit 1, 2 for update"
        ),
        ["a", "t use index for order by (i)", "a", "a desc", "1, 2"]
    );
    assert_eq!(
        clauses("select a into @x from t window w as (order by a), v as (w) limit 3 into @y"),
        ["a", "t", "w as (order by a), v as (w)", "3"]
    );
    assert_eq!(
        clauses("select window from t window where 1"),
        ["window", "t window", "1"]
    );
    assert_eq!(
        clauses("select extract(year from d) from t offset 5 rows fetch next 3 rows only"),
        ["extract(year from d)", "t", "5 rows fetch next 3 rows only"]
    );
    assert_eq!(clauses("select 1 union select 2 limit 1"), ["1"]);
}

#[test]
fn clauses_of_changes() {
    assert_eq!(
        clauses(
            "update low_priority t join u using (a) set b = 1, c = 2 where d order by e limit 5"
        ),
        [
            "low_priority t join u using (a)",
            "b = 1, c = 2",
            "d",
            "e",
            "5"
        ]
    );
    assert_eq!(
        clauses("delete from t using t join u where a = 1 returning b, c"),
        ["", "t", "t join u", "a = 1", "b, c"]
    );
}

#[test]
fn lists_and_joins() {
    let joined = |sql: &str| {
        outlined(sql, |o, text| {
            let items = o.list(o.whole()).into_iter().map(|i| o.joined(i));
            let all = |list: Vec<TokenRange>| list.into_iter().map(text).collect::<Vec<_>>();
            let items = items.map(|p| (all(p.tables).join("|"), all(p.conditions).join("|")));
            items.collect::<Vec<_>>()
        })
    };
    let sql = "a, b x left outer join (c join d on 1) on left(e, 1) = 2 natural join f \
               join g using (h) straight_join i";
    let pair = |a: &str, b: &str| (a.to_string(), b.to_string());
    assert_eq!(
        joined(sql),
        [
            pair("a", ""),
            pair("b x|(c join d on 1)|f|g|i", "left(e, 1) = 2")
        ]
    );
    assert_eq!(
        joined("a join b left join c on x and z on y join d"),
        [pair("a|b|c|d", "x and z|y")]
    );
}

#[test]
fn conjuncts_of_a_condition() {
    let cut = |sql: &str| {
        outlined(sql, |o, text| {
            o.conjuncts(o.whole())
                .into_iter()
                .map(text)
                .collect::<Vec<_>>()
        })
    };
    assert_eq!(cut("a = 1 and (b and c) && d"), ["a = 1", "(b and c)", "d"]);
    assert_eq!(cut("a between 1 and 2 and b"), ["a between 1 and 2", "b"]);
    assert_eq!(
        cut("case when a and b then c end and t.and = 1 and not d"),
        ["case when a and b then c end", "t.and = 1", "not d"]
    );
    assert_eq!(cut("a and b or c").len(), 1);
    assert_eq!(cut("a || b and c").len(), 1);
}

#[test]
fn parentheses() {
    let l = Lexed::new(b"a)(", LexMode::default(), Flavor::default()).unwrap();
    assert!(Outline::new(b"a)(", &l.tokens).is_none());
    outlined("(a) + (b)", |o, _| assert_eq!(o.unwrapped(o.whole()), None));
    outlined("((a))", |o, text| {
        let inner = o.unwrapped(o.whole()).unwrap();
        assert_eq!(text(inner), "(a)");
        assert_eq!(o.inside(1).map(text).unwrap(), "a");
        assert_eq!((o.inside(2), o.closed_by(0)), (None, None));
        assert_eq!(o.closed_by(3).map(text).unwrap(), "a");
    });
}
