//! information_schema: every shard has its own, which knows the objects that this shard has. A query is
//! answered by a shard that has everything it may ask about, or not at all.

use crate::Refusal;
use crate::analyze::Analysis;
use crate::analyze::facts::Domain;
use crate::analyze::instance::{Relation, TableInstanceId};
use crate::args::{Args, ParamRef, Source};
use catalog::{Catalog, Placement, ShardId, TableName};
use errors::ReadError;
use sql::lexer::TokenKind;

/// A table of information_schema whose rows are about objects.
#[derive(Debug, PartialEq, Eq)]
pub struct ObjectTable {
    /// Its name.
    pub name: &'static str,
    /// The column that holds the table, if its rows are about tables (routines and events are not).
    table: Option<&'static str>,
    /// The columns that hold the database.
    databases: &'static [&'static str],
}

impl ObjectTable {
    /// The columns that hold names of objects: the table's comes first, if there is one.
    pub fn columns(&self) -> impl Iterator<Item = &'static str> {
        self.table.into_iter().chain(self.databases.iter().copied())
    }
}

const fn about_tables(name: &'static str, databases: &'static [&'static str]) -> ObjectTable {
    ObjectTable {
        name,
        table: Some("TABLE_NAME"),
        databases,
    }
}

const fn about_routines(name: &'static str, databases: &'static [&'static str]) -> ObjectTable {
    ObjectTable {
        name,
        table: None,
        databases,
    }
}

static OBJECT_TABLES: [ObjectTable; 17] = [
    about_tables("TABLES", &["TABLE_SCHEMA"]),
    about_tables("COLUMNS", &["TABLE_SCHEMA"]),
    about_tables("STATISTICS", &["TABLE_SCHEMA", "INDEX_SCHEMA"]),
    about_tables("PARTITIONS", &["TABLE_SCHEMA"]),
    about_tables("VIEWS", &["TABLE_SCHEMA"]),
    about_tables("KEY_COLUMN_USAGE", &["TABLE_SCHEMA", "CONSTRAINT_SCHEMA"]),
    about_tables("TABLE_CONSTRAINTS", &["TABLE_SCHEMA", "CONSTRAINT_SCHEMA"]),
    about_tables("REFERENTIAL_CONSTRAINTS", &["CONSTRAINT_SCHEMA"]),
    about_tables("CHECK_CONSTRAINTS", &["CONSTRAINT_SCHEMA"]),
    ObjectTable {
        name: "TRIGGERS",
        table: Some("EVENT_OBJECT_TABLE"),
        databases: &["TRIGGER_SCHEMA", "EVENT_OBJECT_SCHEMA"],
    },
    about_tables("TABLES_EXTENSIONS", &["TABLE_SCHEMA"]),
    about_tables("COLUMNS_EXTENSIONS", &["TABLE_SCHEMA"]),
    ObjectTable {
        name: "VIEW_TABLE_USAGE",
        table: Some("VIEW_NAME"),
        databases: &["VIEW_SCHEMA"],
    },
    about_tables("PERIODS", &["TABLE_SCHEMA"]),
    about_routines("ROUTINES", &["ROUTINE_SCHEMA"]),
    about_routines("PARAMETERS", &["SPECIFIC_SCHEMA"]),
    about_routines("EVENTS", &["EVENT_SCHEMA"]),
];

/// The table of information_schema with this name, if its rows are about objects.
pub(super) fn object_table(name: &str) -> Option<&'static ObjectTable> {
    OBJECT_TABLES
        .iter()
        .find(|t| t.name.eq_ignore_ascii_case(name))
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
    /// Without an analysis it may be everything.
    pub(crate) fn of(
        database: Option<&str>,
        analysis: Option<&Analysis<'_>>,
    ) -> Option<SchemaNeed> {
        let parts = match analysis.filter(|a| a.is_understood) {
            Some(a) => (0..a.instances.len()).filter_map(|i| part(a, i)).collect(),
            None => everything(),
        };
        (!parts.is_empty()).then(|| SchemaNeed {
            parts,
            database: database.map(str::to_string),
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

/// What the conditions on an instance say, if it is a table of information_schema about objects.
fn part(a: &Analysis<'_>, i: TableInstanceId) -> Option<Part> {
    let Relation::InformationSchema(Some(o)) = &a.instances[i].relation else {
        return None;
    };
    let points = |k: usize| match a.facts.columns.get(&(i, k)) {
        Some(Domain::Points(p)) => Some(p.clone()),
        _ => {
            let keys = a.facts.tuples.get(&i)?;
            keys.iter().map(|key| key.get(k).copied()).collect()
        }
    };
    let is_about_tables = o.table.is_some();
    let mut databases = usize::from(is_about_tables)..o.columns().count();
    Some(Part {
        databases: databases.find_map(points),
        tables: if is_about_tables { points(0) } else { None },
        routines: !is_about_tables,
    })
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
