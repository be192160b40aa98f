//! SHOW DDL JOBS.

use catalog::Catalog;
use wire::resultset::ResultSet;

/// Every job that is not finished, a row for each of its shards.
pub(crate) fn rows(catalog: &Catalog) -> ResultSet {
    let mut set =
        ResultSet::with_text_columns(&["Job", "Objects", "Statement", "Shard", "Progress"]);
    for job in catalog.jobs.values() {
        for (shard, progress) in job.progress() {
            let objects: Vec<_> = job.objects.iter().map(|o| o.to_string()).collect();
            set.row([
                job.id.0.to_string(),
                objects.join(", "),
                job.statement_text(),
                catalog.shard_name(shard).to_string(),
                progress,
            ]);
        }
    }
    set
}
