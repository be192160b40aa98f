//! EXPLAIN SHARD: the plan that would run.

use crate::exec::Run;
use crate::session::{Done, Session};
use crate::show::answer;
use router::plan::explain::explain;
use router::{Planned, Refusal};
use sql::Lexed;
use wire::resultset::ResultSet;

/// Plans the statement behind the words and prints its plan.
pub(crate) fn run(s: &mut Session, at: usize, run: Run<'_>) -> Done {
    let text = run.text_from(at);
    let mut lexed = Lexed::default();
    lexed
        .read(text, s.client.settings.mode, s.worker.flavor.get())
        .map_err(Refusal::syntax)?;
    let ctx = s.client.plan_context(&s.worker, run.catalog);
    let planned = Planned::of(ctx, text, &lexed);
    let mut cx = run.route_context(s);
    cx.args.text = text;
    cx.args.tokens = &lexed.tokens;
    let mut set = ResultSet::with_text_columns(&["Item", "Value"]);
    for (item, value) in explain(&planned, &cx) {
        set.row([item, value]);
    }
    Ok(answer(s, &set, run))
}
