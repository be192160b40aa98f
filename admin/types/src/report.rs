//! A health report: findings by severity, as JSON and as Markdown.

use serde::{Deserialize, Serialize};
use std::fmt::Write;

/// How bad a finding is. The worst one is the exit code of `shardctl inspect`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// As it should be.
    Ok,
    /// Worth attention.
    Warning,
    /// Something does not work, or data is at risk.
    Critical,
}

impl std::fmt::Display for Severity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Severity::Ok => "ok",
            Severity::Warning => "warning",
            Severity::Critical => "critical",
        })
    }
}

/// One thing that was inspected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// How it is.
    pub severity: Severity,
    /// What: a shard, a table, a node, a proxy.
    pub subject: String,
    /// What was found.
    pub text: String,
    /// What to do about it.
    pub advice: String,
}

impl Finding {
    /// Something that is as it should be.
    pub fn ok(subject: impl Into<String>, text: impl Into<String>) -> Self {
        Self::new(Severity::Ok, subject, text, "")
    }

    /// Anything.
    pub fn new(
        severity: Severity,
        subject: impl Into<String>,
        text: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self {
            severity,
            subject: subject.into(),
            text: text.into(),
            advice: advice.into(),
        }
    }
}

/// Everything that was inspected, worst first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The findings.
    pub findings: Vec<Finding>,
}

impl Report {
    /// Sorted, the worst first.
    pub fn new(mut findings: Vec<Finding>) -> Self {
        findings.sort_by(|a, b| b.severity.cmp(&a.severity).then(a.subject.cmp(&b.subject)));
        Self { findings }
    }

    /// The worst finding.
    pub fn severity(&self) -> Severity {
        self.findings.first().map_or(Severity::Ok, |f| f.severity)
    }

    /// The report as a page.
    pub fn markdown(&self) -> String {
        let mut out = format!("# Shardwright: {}\n", self.severity());
        for severity in [Severity::Critical, Severity::Warning, Severity::Ok] {
            let list: Vec<_> = self
                .findings
                .iter()
                .filter(|f| f.severity == severity)
                .collect();
            if list.is_empty() {
                continue;
            }
            // Writing to a String cannot fail.
            let _ = write!(out, "\n## {severity} ({})\n\n", list.len());
            for f in list {
                let _ = writeln!(out, "- **{}**: {}", f.subject, f.text);
                if !f.advice.is_empty() {
                    let _ = writeln!(out, "  {}", f.advice);
                }
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_comes_first() {
        let r = Report::new(vec![
            Finding::ok("shard s1", "up"),
            Finding::new(Severity::Critical, "shard s2", "down", "start it"),
            Finding::new(Severity::Warning, "node 3", "lags", ""),
        ]);
        assert_eq!(r.severity(), Severity::Critical);
        let page = r.markdown();
        let at = |text: &str| page.find(text).unwrap();
        assert!(at("shard s2") < at("node 3") && at("node 3") < at("shard s1"));
        assert!(page.contains("start it"));
    }
}
