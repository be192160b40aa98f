//! What may be done with an expression: whether a shard can compute it row by row.

use crate::analyze::Analysis;
use crate::analyze::block::Piece;
use crate::functions::Effects;

/// What an expression has in it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Class {
    /// An aggregate function: it has one value a group.
    pub has_aggregate: bool,
    /// A window: its value depends on other rows of the result.
    pub has_window: bool,
    /// A function that is not known: nothing can be said of it.
    pub has_unknown_call: bool,
    /// A kind of expression that is not known.
    pub is_odd: bool,
    /// User or system variables.
    pub reads_variables: bool,
    /// What its functions depend on or do.
    pub effects: Effects,
}

impl Class {
    /// True if its value follows from one row, and is the same wherever it is computed.
    pub fn is_of_one_row(self) -> bool {
        let Self {
            has_aggregate,
            has_window,
            has_unknown_call,
            is_odd,
            reads_variables,
            effects,
        } = self;
        let needs_session = reads_variables || effects.session || effects.insert_id || effects.lock;
        let of_its_place = needs_session || effects.differs_between_shards();
        !(has_aggregate || has_window || has_unknown_call || is_odd || of_its_place)
    }
}

impl Analysis<'_> {
    /// What an expression has in it, its subqueries left aside.
    pub fn class(&self, piece: &Piece<'_>) -> Class {
        let mut out = Class {
            is_odd: piece.is_odd,
            reads_variables: piece.reads_variables,
            ..Class::default()
        };
        for call in piece.calls.iter().map(|c| &self.calls[*c]) {
            out.has_aggregate |= call.is_aggregate();
            out.has_window |= call.combines_rows() && !call.is_aggregate();
            out.has_unknown_call |= call.function.is_none();
            if let Some(f) = call.function {
                out.effects = out.effects.or(f.effects);
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use crate::analyze::Analysis;
    use crate::analyze::block::ItemKind;
    use crate::plan::PlanContext;
    use catalog::Catalog;
    use sql::{Flavor, LexMode, Lexed};

    /// Runs `f` on the analysis of a statement without tables of a catalog.
    fn analyzed<T>(sql: &str, f: impl Fn(&Analysis<'_>) -> T) -> T {
        let (mode, flavor) = (LexMode::default(), Flavor::default());
        let l = Lexed::new(sql.as_bytes(), mode, flavor).unwrap();
        let parsed = sql::parse::parse(sql.as_bytes(), &l.tokens, mode).unwrap();
        let catalog = Catalog::default();
        let ctx = PlanContext {
            catalog: &catalog,
            database: None,
            mode,
            flavor,
        };
        f(&Analysis::of(ctx, sql.as_bytes(), &l.tokens, &parsed))
    }

    #[test]
    fn classes() {
        let of_one_row = |e: &str| {
            analyzed(&format!("select {e}"), |a| {
                let ItemKind::Value(piece) = &a.blocks[0].items[0].kind else {
                    panic!("{e} is a value")
                };
                a.class(piece).is_of_one_row()
            })
        };
        for e in [
            "1 + 2",
            "upper('a')",
            "now()",
            "case 1 when 2 then 3 end",
            "(select rand())",
        ] {
            assert!(of_one_row(e), "{e}");
        }
        for e in [
            "sum(1)",
            "rank() over ()",
            "f(1)",
            "rand()",
            "@x",
            "found_rows()",
            "1 + uuid()",
        ] {
            assert!(!of_one_row(e), "{e}");
        }
    }

    #[test]
    fn deep_statements_fit_the_stack() {
        let deep = (0..15).fold("select 1".to_string(), |q, _| {
            format!("select ({q}) from dual")
        });
        let long = vec!["a.b = 1"; 4_000].join(" or ");
        let chain: Vec<_> = (1..2_000)
            .map(|i| format!("c{i} as (select * from c{})", i - 1))
            .collect();
        let chain = format!(
            "with c0 as (select 1 as x), {} select x from c1999",
            chain.join(", ")
        );
        let twice = "with recursive a as (select * from a x, a y) select * from a";
        for sql in [
            deep,
            format!("select 1 from dual where {long}"),
            chain,
            twice.to_string(),
        ] {
            let run = move || analyzed(&sql, |a| a.blocks.len());
            let thread = std::thread::Builder::new()
                .stack_size(2 << 20)
                .spawn(run)
                .unwrap();
            assert!(thread.join().unwrap() > 0);
        }
    }
}
