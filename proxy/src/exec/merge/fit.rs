//! Whether rows, as shards describe them, can be merged exactly.

use super::decimal::Decimal;
use super::group::Column;
use super::value::{Pad, Reader, Value};
use crate::session::Stop;
use crate::worker::Worker;
use router::analyze::comparison::Comparison;
use router::plan::merge::{ColumnAt, Combine, Comparator, MergeRoute, SortKey};
use std::collections::HashMap;
use wire::cells::RowShape;
use wire::column::ResultColumn;
use wire::resultset::RowFormat;

/// A condition of HAVING.
pub(super) struct Condition {
    pub reader: Reader,
    operator: Comparator,
    number: Decimal,
}

impl Condition {
    /// True if a value satisfies it; NULL satisfies nothing.
    pub(super) fn holds(&self, value: &Value) -> bool {
        let number = match value {
            Value::Decimal(d) => Some(d.clone()),
            Value::Int(n) => Decimal::parse(n.to_string().as_bytes()),
            _ => None,
        };
        number.is_some_and(|n| self.operator.holds(n.compare(&self.number)))
    }
}

/// How rows are read.
pub(super) struct Fit {
    /// All columns, those that were added behind the others.
    pub columns: Vec<ResultColumn>,
    pub format: RowFormat,
    /// How many of them the client sees.
    pub visible: usize,
    /// The order in which rows come.
    pub keys: Vec<Reader>,
    /// What becomes of the columns of a group, by their places, those that the client sees first; `None`
    /// without groups.
    pub groups: Option<Vec<(usize, Column)>>,
    /// Conditions that groups satisfy.
    pub having: Vec<Condition>,
    /// The order in which groups leave, if it is another one.
    pub leave: Vec<Reader>,
}

impl Fit {
    /// `None` if something cannot be compared or added exactly.
    pub(super) async fn of(
        worker: &Worker,
        route: &MergeRoute,
        columns: &[ResultColumn],
        format: RowFormat,
    ) -> Result<Option<Self>, Stop> {
        let Some(pads) = pads(worker, route).await? else {
            return Ok(None);
        };
        let fitting = Fitting {
            columns,
            format,
            visible: columns.len().saturating_sub(route.hidden),
            pads,
        };
        Ok(fitting.fit(route))
    }

    /// How its rows look.
    pub(super) fn shape(&self) -> RowShape<'_> {
        RowShape {
            columns: &self.columns,
            format: self.format,
        }
    }
}

/// Every collation that is compared by weights; `None` if one cannot be.
async fn pads(worker: &Worker, route: &MergeRoute) -> Result<Option<HashMap<String, Pad>>, Stop> {
    let columns = route.groups.iter().flat_map(|g| &g.columns);
    let of_columns = columns.filter_map(|c| match c {
        Combine::Min(_, by) | Combine::Max(_, by) => Some(by),
        _ => None,
    });
    let keys = route.keys.iter().chain(&route.leave).map(|k| &k.by);
    let mut out = HashMap::new();
    for by in keys.chain(of_columns) {
        let (Comparison::Text(collation), Some(shard)) = (by, route.shards.first()) else {
            continue;
        };
        match worker.pads.of(worker, *shard, collation).await? {
            Some(pad) => out.insert(collation.clone(), pad),
            None => return Ok(None),
        };
    }
    Ok(Some(out))
}

struct Fitting<'s> {
    columns: &'s [ResultColumn],
    format: RowFormat,
    visible: usize,
    pads: HashMap<String, Pad>,
}

impl Fitting<'_> {
    fn fit(&self, route: &MergeRoute) -> Option<Fit> {
        let keys = |list: &[SortKey]| -> Option<Vec<Reader>> {
            let readers = list
                .iter()
                .map(|k| self.reader(k.at, &k.by, k.is_descending));
            readers.collect()
        };
        let groups = match &route.groups {
            None => None,
            Some(groups) if groups.columns.len() != self.visible => return None,
            Some(groups) => {
                let all = groups.columns.iter().enumerate();
                let added = groups.added.iter().map(|(n, c)| (self.visible + n, c));
                let all = all.chain(added).map(|(n, c)| Some((n, self.column(n, c)?)));
                Some(all.collect::<Option<Vec<_>>>()?)
            }
        };
        let having = route.having.iter().map(|h| {
            let reader = self.reader(h.at, &Comparison::Value, false)?;
            Some(Condition {
                reader: Some(reader).filter(Reader::is_exact_number)?,
                operator: h.operator,
                number: Decimal::parse(&h.number)?,
            })
        });
        Some(Fit {
            keys: keys(&route.keys)?,
            leave: keys(&route.leave)?,
            having: having.collect::<Option<Vec<_>>>()?,
            groups,
            columns: self.columns.to_vec(),
            format: self.format,
            visible: self.visible,
        })
    }

    fn reader(&self, at: ColumnAt, by: &Comparison, is_descending: bool) -> Option<Reader> {
        let at = match at {
            ColumnAt::Visible(n) => n,
            ColumnAt::Hidden(n) => self.visible + n,
        };
        let pad = match by {
            Comparison::Text(collation) => self.pads.get(collation).cloned(),
            _ => None,
        };
        let column = self.columns.get(at)?;
        Reader::new((at, column), self.format, by, pad, is_descending)
    }

    fn column(&self, n: usize, combine: &Combine) -> Option<Column> {
        let extreme = match combine {
            Combine::Min(at, by) | Combine::Max(at, by) => Some(self.reader(*at, by, false)?),
            _ => None,
        };
        let number = |at: usize| {
            let column = self.columns.get(at)?;
            Reader::new((at, column), self.format, &Comparison::Value, None, false)
        };
        Column::new(
            combine,
            (n, self.columns.get(n)?),
            self.visible,
            number,
            extreme,
        )
    }
}
