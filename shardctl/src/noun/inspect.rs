//! `shardctl inspect`: a health report of everything; its severity is the exit code.

use crate::Shown;
use crate::cli::Format;
use crate::client::Client;
use crate::output::{json, table};
use admin_types::report::{Finding, Report, Severity};

pub(crate) async fn run(client: &Client, markdown: bool) -> Shown {
    let report: Report = client.get("/v1/inspect").await?;
    if client.format == Format::Json {
        json(&report)?;
    } else if markdown {
        print!("{}", report.markdown());
    } else {
        let row = |f: &Finding| {
            vec![
                f.severity.to_string(),
                f.subject.clone(),
                f.text.clone(),
                f.advice.clone(),
            ]
        };
        let rows = report.findings.iter().map(row).collect();
        table(&["severity", "subject", "finding", "what to do"], rows);
    }
    Ok(match report.severity() {
        Severity::Ok => 0,
        Severity::Warning => 10,
        Severity::Critical => 20,
    })
}
