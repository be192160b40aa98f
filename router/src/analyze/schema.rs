//! information_schema: every shard has its own, which knows the objects that this shard has. A query is
//! answered by a shard that has everything it may ask about, or not at all.

use crate::Refusal;
use crate::analyze::facts::{Domain, InstanceId};
use crate::analyze::{Analysis, LooksFor};
use crate::args::{Args, ParamRef, Source};
use crate::plan::PlanContext;
use catalog::{
    Catalog, Function, GroupId, KeyColumn, KeyType, Placement, ShardId, Sharding, Table, TableId,
    TableName, TextRule,
};
use errors::ReadError;
use sql::lexer::{Token, TokenKind};
use std::sync::Arc;

/// Tables of information_schema whose rows are about objects: the columns that hold the database, and
/// the one that holds the table, if its rows are about tables (routines and events are not).
const OBJECT_TABLES: [(&str, &[&str], Option<&str>); 17] = [
    ("TABLES", &["TABLE_SCHEMA"], Some("TABLE_NAME")),
    ("COLUMNS", &["TABLE_SCHEMA"], Some("TABLE_NAME")),
    (
        "STATISTICS",
        &["TABLE_SCHEMA", "INDEX_SCHEMA"],
        Some("TABLE_NAME"),
    ),
    ("PARTITIONS", &["TABLE_SCHEMA"], Some("TABLE_NAME")),
    ("VIEWS", &["TABLE_SCHEMA"], Some("TABLE_NAME")),
    (
        "KEY_COLUMN_USAGE",
        &["TABLE_SCHEMA", "CONSTRAINT_SCHEMA"],
        Some("TABLE_NAME"),
    ),
    (
        "TABLE_CONSTRAINTS",
        &["TABLE_SCHEMA", "CONSTRAINT_SCHEMA"],
        Some("TABLE_NAME"),
    ),
    (
        "REFERENTIAL_CONSTRAINTS",
        &["CONSTRAINT_SCHEMA"],
        Some("TABLE_NAME"),
    ),
    (
        "CHECK_CONSTRAINTS",
        &["CONSTRAINT_SCHEMA"],
        Some("TABLE_NAME"),
    ),
    (
        "TRIGGERS",
        &["TRIGGER_SCHEMA", "EVENT_OBJECT_SCHEMA"],
        Some("EVENT_OBJECT_TABLE"),
    ),
    ("TABLES_EXTENSIONS", &["TABLE_SCHEMA"], Some("TABLE_NAME")),
    ("COLUMNS_EXTENSIONS", &["TABLE_SCHEMA"], Some("TABLE_NAME")),
    ("VIEW_TABLE_USAGE", &["VIEW_SCHEMA"], Some("VIEW_NAME")),
    ("PERIODS", &["TABLE_SCHEMA"], Some("TABLE_NAME")),
    ("ROUTINES", &["ROUTINE_SCHEMA"], None),
    ("PARAMETERS", &["SPECIFIC_SCHEMA"], None),
    ("EVENTS", &["EVENT_SCHEMA"], None),
];

/// The columns of such a table as if they were its sharding key, so that conditions are read for them as
/// for any key.
pub(crate) fn object_table(name: &str) -> Option<Arc<Table>> {
    let (name, schemas, table) = OBJECT_TABLES
        .iter()
        .find(|t| t.0.eq_ignore_ascii_case(name))?;
    let kind = KeyType::Text {
        rule: TextRule::of_collation("utf8mb4_general_ci")?,
        collation: "utf8mb4_general_ci".to_string(),
        chars: 64,
    };
    // The table column comes first, if there is one: see `part`.
    let columns = table.iter().chain(*schemas).map(|c| c.to_string());
    let columns: Vec<String> = columns.collect();
    let key = columns.iter().map(|c| KeyColumn {
        name: c.clone(),
        kind: kind.clone(),
    });
    let nowhere = Function::even_hash(&[ShardId(0)]);
    let sharding = Sharding::new(key.collect(), nowhere, GroupId(u64::MAX)).ok()?;
    Some(Arc::new(Table {
        id: TableId(u64::MAX),
        name: TableName::new("information_schema", *name),
        placement: Placement::Sharded(Box::new(sharding)),
        columns,
        auto_increment: None,
    }))
}

/// What a statement may ask of information_schema.
#[derive(Debug, Clone)]
pub struct SchemaNeed {
    parts: Vec<Part>,
    /// Current database.
    database: Option<String>,
    /// The shard of the statement's own tables.
    within: Option<ShardId>,
}

/// One use of one of its tables; `None` is everything.
#[derive(Debug, Clone, Default)]
struct Part {
    databases: Option<Vec<Source>>,
    tables: Option<Vec<Source>>,
    /// Routines and events live on their database's shard.
    routines: bool,
}

impl SchemaNeed {
    /// What a statement that names information_schema needs of it; `None` if nothing about objects.
    pub(crate) fn of(ctx: PlanContext<'_>, text: &[u8], tokens: &[Token]) -> Option<SchemaNeed> {
        let parts = match sql::parse::parse(text, tokens, ctx.mode) {
            Ok(parsed) => {
                let trusted = parsed.doubt.is_none();
                let a = Analysis::of(ctx, tokens, &parsed.ast, trusted, LooksFor::Schema);
                match a.refusal.is_some() {
                    true => everything(),
                    false => a.sharded().into_iter().map(|i| part(&a, i)).collect(),
                }
            }
            Err(_) => everything(),
        };
        (!parts.is_empty()).then(|| SchemaNeed {
            parts,
            database: ctx.database.map(str::to_string),
            within: None,
        })
    }

    /// The same for a statement that needs this shard anyway.
    pub(crate) fn within(self, within: Option<ShardId>) -> SchemaNeed {
        SchemaNeed { within, ..self }
    }

    /// True if the current database at the time of a run decides.
    pub fn follows_database(&self) -> bool {
        let sources =
            |list: &Option<Vec<Source>>| list.iter().flatten().any(|s| *s == Source::Database);
        self.parts
            .iter()
            .any(|p| sources(&p.databases) || sources(&p.tables))
    }

    /// The shard that can answer for these values.
    pub fn shard(&self, catalog: &Catalog, args: &Args<'_>) -> Result<ShardId, Refusal> {
        let mut left = catalog.shard_ids();
        let mut prefer = self.database.clone();
        for part in &self.parts {
            let databases = part.databases.as_ref().and_then(|s| self.texts(s, args));
            let tables = part.tables.as_ref().and_then(|s| self.texts(s, args));
            if let Some([one]) = databases.as_deref() {
                prefer = Some(one.clone());
            }
            if part.routines {
                narrow_to_databases(catalog, databases.as_deref(), &mut left)?;
            } else {
                narrow_to_tables(catalog, databases.as_deref(), tables.as_deref(), &mut left)?;
            }
        }
        let fitting = match self.within {
            Some(s) => left.contains(&s).then_some(s),
            None => catalog
                .default_shard(prefer.as_deref())
                .filter(|s| left.contains(s))
                .or_else(|| left.first().copied()),
        };
        fitting.ok_or_else(|| apart("its own tables", "what it asks about"))
    }

    /// The values as names; `None` if one of them is not plain.
    fn texts(&self, sources: &[Source], args: &Args<'_>) -> Option<Vec<String>> {
        sources.iter().map(|s| self.text(*s, args)).collect()
    }

    fn text(&self, source: Source, args: &Args<'_>) -> Option<String> {
        let bytes = match source {
            Source::Database => return Some(self.database.clone().unwrap_or_default()),
            Source::Param(n) => match args.params.get(usize::from(n))? {
                ParamRef::Bytes(b) => b.to_vec(),
                _ => return None,
            },
            Source::Literal { token, .. } => {
                let t = args
                    .tokens
                    .get(token as usize)
                    .filter(|t| t.kind == TokenKind::Str)?;
                sql::literal::unescape(args.text.get(t.range())?, args.mode)?.into_owned()
            }
            Source::Null => return None,
        };
        // The server's collation takes accents and trailing blanks for nothing.
        let text = String::from_utf8(bytes).ok().filter(|t| t.is_ascii())?;
        Some(text.trim_end().to_string())
    }
}

/// All tables and all routines of all databases.
fn everything() -> Vec<Part> {
    [false, true]
        .map(|routines| Part {
            routines,
            ..Part::default()
        })
        .to_vec()
}

fn part(a: &Analysis<'_>, i: InstanceId) -> Part {
    let columns = a.scopes.instances[i]
        .table
        .as_ref()
        .and_then(|t| t.sharding())
        .map(|s| &s.key);
    let first = columns
        .and_then(|k| k.first())
        .map_or("", |c| c.name.as_str());
    let about_tables = OBJECT_TABLES.iter().any(|t| t.2 == Some(first));
    let width = a.scopes.key_width(i);
    let points = |k: usize| match a.facts.columns.get(&(i, k)) {
        Some(Domain::Points(p)) => Some(p.clone()),
        _ => {
            let keys = a.facts.tuples.get(&i)?;
            keys.iter().map(|key| key.get(k).copied()).collect()
        }
    };
    let schemas = usize::from(about_tables)..width;
    Part {
        databases: schemas.into_iter().find_map(points),
        tables: if about_tables { points(0) } else { None },
        routines: !about_tables,
    }
}

fn is_among(name: &str, list: Option<&[String]>) -> bool {
    list.is_none_or(|l| l.iter().any(|n| n.eq_ignore_ascii_case(name)))
}

fn narrow_to_databases(
    catalog: &Catalog,
    wanted: Option<&[String]>,
    left: &mut Vec<ShardId>,
) -> Result<(), Refusal> {
    let mut last = "";
    for (name, database) in catalog
        .databases
        .iter()
        .filter(|(n, _)| is_among(n, wanted))
    {
        left.retain(|s| *s == database.default_shard);
        if left.is_empty() {
            return Err(apart(last, name));
        }
        last = name;
    }
    Ok(())
}

fn narrow_to_tables(
    catalog: &Catalog,
    databases: Option<&[String]>,
    tables: Option<&[String]>,
    left: &mut Vec<ShardId>,
) -> Result<(), Refusal> {
    let mut last: Option<&TableName> = None;
    for (name, table) in catalog.tables.iter() {
        if !is_among(&name.database, databases) || !is_among(&name.table, tables) {
            continue;
        }
        let before = left.len();
        match &table.placement {
            Placement::Single(s) | Placement::View(s) => left.retain(|l| l == s),
            Placement::Sharded(sharding) => {
                let has = sharding.shards();
                left.retain(|l| has.contains(l));
            }
            Placement::Reference => {}
        }
        if left.is_empty() {
            let other = last.map_or_else(|| "the others".to_string(), TableName::to_string);
            return Err(apart(&other, &name.to_string()));
        }
        if left.len() < before {
            last = Some(name);
        }
    }
    Ok(())
}

fn apart(one: &str, other: &str) -> Refusal {
    let (one, other) = (one.to_string(), other.to_string());
    ReadError::SchemaApart { one, other }.into()
}
