//! Statements by chance, most of them about a sharding key.

use super::Rng;
use super::literals::{Literal, literal};
use super::schema::{Column, TABLES, Table, Type};
use mysql_async::Params;

/// Stands for the next literal.
const MARK: char = '\u{1}';

/// What a statement is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Select,
    Write,
    Session,
}

/// A statement with its values apart.
#[derive(Debug, Clone)]
pub struct Sql {
    pub kind: Kind,
    /// Its rows have one order only.
    pub is_ordered: bool,
    skeleton: String,
    literals: Vec<Literal>,
}

impl Sql {
    /// True for INSERT and REPLACE of several rows.
    pub fn gives_several_rows(&self) -> bool {
        self.writes_given_rows() && self.skeleton.contains("), (")
    }

    /// True for INSERT and REPLACE: their warnings do not depend on a plan.
    pub fn writes_given_rows(&self) -> bool {
        let verb = self.skeleton.split(' ').next();
        self.kind == Kind::Write && matches!(verb, Some("INSERT" | "REPLACE"))
    }

    /// As text.
    pub fn text(&self) -> String {
        self.filled(|l| l.text.clone())
    }

    /// With parameters where values can be such.
    pub fn prepared(&self) -> (String, Params) {
        let values: Vec<_> = self
            .literals
            .iter()
            .filter_map(|l| l.value.clone())
            .collect();
        let text = self.filled(|l| match l.value {
            Some(_) => "?".to_string(),
            None => l.text.clone(),
        });
        let params = if values.is_empty() {
            Params::Empty
        } else {
            Params::Positional(values)
        };
        (text, params)
    }

    fn filled(&self, mut of: impl FnMut(&Literal) -> String) -> String {
        let mut literals = self.literals.iter();
        let mut out = String::new();
        for c in self.skeleton.chars() {
            match c {
                MARK => out.push_str(&of(literals.next().expect("a literal for each mark"))),
                c => out.push(c),
            }
        }
        out
    }
}

/// A table in a query, under a name.
#[derive(Clone, Copy)]
pub struct From {
    pub table: &'static Table,
    pub alias: &'static str,
}

impl From {
    fn column(self, c: &Column) -> String {
        format!("{}.{}", self.alias, c.name)
    }

    pub fn key(self) -> String {
        let columns = self.table.key.iter().map(|k| format!("{}.{k}", self.alias));
        columns.collect::<Vec<_>>().join(", ")
    }
}

/// Makes statements.
pub struct Grammar {
    pub rng: Rng,
    settings: &'static str,
    is_read_only: bool,
    literals: Vec<Literal>,
}

impl Grammar {
    /// One for sessions that are set like this.
    pub fn new(rng: Rng, settings: &'static str) -> Grammar {
        Grammar {
            rng,
            settings,
            is_read_only: false,
            literals: Vec::new(),
        }
    }

    pub fn done(&mut self, kind: Kind, is_ordered: bool, skeleton: String) -> Sql {
        let literals = std::mem::take(&mut self.literals);
        Sql {
            kind,
            is_ordered,
            skeleton,
            literals,
        }
    }

    /// Marks a value's place.
    pub fn value(&mut self, kind: Type, odd_percent: usize) -> String {
        let l = literal(&mut self.rng, kind, odd_percent);
        self.literals.push(l);
        MARK.to_string()
    }

    pub fn from(&mut self) -> From {
        From {
            table: self.rng.pick(&TABLES),
            alias: "t",
        }
    }

    /// Rows that a table is sure to take.
    pub fn first_rows(&mut self, table: &'static Table) -> Sql {
        let rows: Vec<_> = (0..3 + self.rng.below(4))
            .map(|_| self.row(table, 0))
            .collect();
        let sql = format!(
            "INSERT IGNORE INTO {} VALUES {}",
            table.name,
            rows.join(", ")
        );
        self.done(Kind::Write, false, sql)
    }

    pub fn row(&mut self, table: &'static Table, odd_percent: usize) -> String {
        let values = table
            .columns
            .iter()
            .map(|c| self.value(c.kind, odd_percent));
        format!("({})", values.collect::<Vec<_>>().join(", "))
    }

    /// Any statement.
    pub fn statement(&mut self) -> Sql {
        match self.rng.below(100) {
            0..52 => self.query(),
            52..56 => self.rare_query(),
            56..74 => self.insert(),
            74..84 => self.update(),
            84..89 => self.delete(),
            89..94 => self.rare_write(),
            _ => self.session(),
        }
    }

    fn session(&mut self) -> Sql {
        let list = [
            "BEGIN",
            "START TRANSACTION READ ONLY",
            "COMMIT",
            "COMMIT",
            "ROLLBACK",
            "SAVEPOINT one",
            "ROLLBACK TO one",
            "SET autocommit = 0",
            "SET autocommit = 1",
            "SET @v = 5",
            self.settings,
        ];
        let mut sql = *self.rng.pick(&list);
        if self.is_read_only && ["BEGIN", "SET autocommit = 1"].contains(&sql) {
            // They commit, but MySQL (BEGIN) and MariaDB (autocommit) stay read only for what follows.
            sql = "COMMIT";
        }
        match sql {
            "START TRANSACTION READ ONLY" => self.is_read_only = true,
            "BEGIN" | "COMMIT" | "ROLLBACK" => self.is_read_only = false,
            _ => {}
        }
        self.done(Kind::Session, true, sql.to_string())
    }

    // ---- conditions ----

    fn condition(&mut self, tables: &[From], depth: usize) -> String {
        if depth > 0 && self.rng.chance(45) {
            let (a, b) = (
                self.condition(tables, depth - 1),
                self.condition(tables, depth - 1),
            );
            return match self.rng.below(10) {
                0..5 => format!("{a} AND {b}"),
                5..7 => format!("({a} OR {b})"),
                7 => format!("{a} OR {b}"),
                8 => format!("NOT ({a}) AND {b}"),
                _ => format!("({a}) XOR ({b})"),
            };
        }
        let from = *self.rng.pick(tables);
        match self.rng.below(20) {
            0 => self.tuple(from),
            1 => self.subquery(from),
            _ => self.comparison(from),
        }
    }

    /// Conditions on the whole key, so that rows of one key are meant.
    pub fn on_key(&mut self, from: From) -> String {
        let mut parts = Vec::new();
        for k in from.table.key {
            let c = from.table.column(k);
            let (column, value) = (from.column(c), self.value(c.kind, 30));
            parts.push(match self.rng.below(12) {
                0 => format!("{value} = {column}"),
                1 => format!("{column} IN ({value})"),
                2 => format!("{column} <=> {value}"),
                3 => format!("({column} = {value})"),
                _ => format!("{column} = {value}"),
            });
        }
        parts.join(" AND ")
    }

    fn comparison(&mut self, from: From) -> String {
        let on_key = self.rng.chance(65);
        let c = match on_key {
            true => from.table.column(self.rng.pick::<&str>(from.table.key)),
            false => self.rng.pick(from.table.columns),
        };
        let (column, kind) = (from.column(c), c.kind);
        let odd = 25;
        match self.rng.below(20) {
            0..8 => format!("{column} = {}", self.value(kind, odd)),
            8 => {
                let op = *self.rng.pick(&["<", "<=", ">", ">=", "<>", "!=", "<=>"]);
                format!("{column} {op} {}", self.value(kind, odd))
            }
            9 => {
                let op = *self.rng.pick(&["=", "<", ">="]);
                format!("{} {op} {column}", self.value(kind, odd))
            }
            10..13 => {
                let not = if self.rng.chance(15) { "NOT " } else { "" };
                let n = 1 + self.rng.below(3);
                let list: Vec<_> = (0..n).map(|_| self.value(kind, odd)).collect();
                format!("{column} {not}IN ({})", list.join(", "))
            }
            13..15 => {
                let not = if self.rng.chance(15) { "NOT " } else { "" };
                let (a, b) = (self.value(kind, odd), self.value(kind, odd));
                format!("{column} {not}BETWEEN {a} AND {b}")
            }
            15 => format!("{column} IS NULL"),
            16 => format!("{column} LIKE {}", self.value(Type::Word, 60)),
            17 => format!("{column} + 0 = {}", self.value(Type::Int, odd)),
            18 => format!("NOT {column} = {}", self.value(kind, odd)),
            _ => format!("{column} = {} IS TRUE", self.value(kind, odd)),
        }
    }

    fn tuple(&mut self, from: From) -> String {
        let one = |g: &mut Self| {
            let values: Vec<_> = from
                .table
                .key
                .iter()
                .map(|k| g.value(from.table.column(k).kind, 15))
                .collect();
            format!("({})", values.join(", "))
        };
        match self.rng.below(3) {
            0 => format!("({}) = {}", from.key(), one(self)),
            1 => format!("({}) IN ({}, {})", from.key(), one(self), one(self)),
            _ => format!("({}) <= {}", from.key(), one(self)),
        }
    }

    fn subquery(&mut self, from: From) -> String {
        let inner = From {
            table: self.rng.pick(&TABLES),
            alias: "i",
        };
        let same = *self.rng.pick(&["v", inner.table.key[0]]);
        let outer = from.column(from.table.column(from.table.key[0]));
        if self.rng.chance(25) {
            let (name, key) = (inner.table.name, inner.table.key[0]);
            return format!("EXISTS (SELECT 1 FROM {name} i WHERE i.{key} = {outer})");
        }
        let (name, mut condition) = (inner.table.name, self.comparison(inner));
        if self.rng.chance(30) {
            // The condition of a subquery on a table around it.
            condition = format!("{condition} AND {}", self.comparison(from));
        }
        if self.rng.chance(20) {
            return format!("NOT EXISTS (SELECT 1 FROM {name} i WHERE {condition})");
        }
        match self.rng.below(3) {
            0 => format!("{outer} IN (SELECT i.{same} FROM {name} i WHERE {condition})"),
            1 => format!(
                "{}.v = (SELECT MAX(i.v) FROM {name} i WHERE {condition})",
                from.alias
            ),
            _ => format!("{outer} NOT IN (SELECT i.{same} FROM {name} i WHERE {condition})"),
        }
    }

    // ---- queries ----

    fn query(&mut self) -> Sql {
        let from = self.from();
        match self.rng.below(12) {
            0..5 => self.plain_query(from),
            5 | 6 => self.aggregate(from),
            7 | 8 => self.join(from),
            9 => self.union(from),
            10 => self.derived(from),
            _ => self.locking(from),
        }
    }

    pub fn filter(&mut self, from: From) -> String {
        let mut out = match self.rng.chance(70) {
            true => self.on_key(from),
            false => self.condition(&[from], 2),
        };
        if self.rng.chance(25) {
            let more = self.condition(&[from], 1);
            out = format!("{out} AND ({more})");
        }
        out
    }

    fn plain_query(&mut self, from: From) -> Sql {
        let (name, filter) = (from.table.name, self.filter(from));
        let what = *self.rng.pick(&[
            "*",
            "t.*",
            "t.v",
            "t.v + 1 AS x, t.*",
            "DISTINCT t.v",
            "ALL t.v, 1",
        ]);
        let ordered = from.table.unique && !what.contains("DISTINCT") && self.rng.chance(30);
        let mut sql = format!("SELECT {what} FROM {name} t WHERE {filter}");
        if ordered {
            let direction = *self.rng.pick(&["", " DESC"]);
            sql += &format!(
                " ORDER BY {}{direction}",
                from.key().replace(", ", &format!("{direction}, "))
            );
            if self.rng.chance(50) {
                sql += *self.rng.pick(&[" LIMIT 2", " LIMIT 1, 2", " LIMIT 0"]);
            }
        }
        self.done(Kind::Select, ordered, sql)
    }

    fn aggregate(&mut self, from: From) -> Sql {
        let (name, filter) = (from.table.name, self.filter(from));
        let sql = match self.rng.below(5) {
            0 => format!(
                "SELECT COUNT(*), SUM(t.v), MIN(t.v), MAX(t.v) FROM {name} t WHERE {filter}"
            ),
            1 => format!("SELECT t.v, COUNT(*) FROM {name} t WHERE {filter} GROUP BY t.v"),
            2 => format!("SELECT COUNT(DISTINCT t.v) FROM {name} t WHERE {filter}"),
            3 => format!(
                "SELECT t.v, COUNT(*) c FROM {name} t WHERE {filter} GROUP BY t.v HAVING c > 0"
            ),
            _ => format!(
                "SELECT t.v, RANK() OVER (ORDER BY {}) r FROM {name} t WHERE {filter}",
                from.key()
            ),
        };
        self.done(Kind::Select, false, sql)
    }

    fn join(&mut self, from: From) -> Sql {
        let other = From {
            table: self.rng.pick(&TABLES),
            alias: "u",
        };
        let both: Vec<&str> = from
            .table
            .key
            .iter()
            .filter(|k| other.table.key.contains(k))
            .copied()
            .collect();
        let (a, b) = (from.table.name, other.table.name);
        let on = match both.is_empty() || self.rng.chance(20) {
            true => format!("t.v = u.{}", other.table.key[0]),
            false => both
                .iter()
                .map(|k| format!("t.{k} = u.{k}"))
                .collect::<Vec<_>>()
                .join(" AND "),
        };
        let filter = match self.rng.below(4) {
            0 => self.condition(&[from, other], 2),
            1 => self.on_key(other),
            _ => self.on_key(from),
        };
        let using = both.join(", ");
        let sql = match self.rng.below(8) {
            0 => format!("SELECT * FROM {a} t LEFT JOIN {b} u ON {on} WHERE {filter}"),
            1 => format!("SELECT * FROM {a} t RIGHT JOIN {b} u ON {on} WHERE {filter}"),
            2 => format!("SELECT * FROM {a} t, {b} u WHERE {on} AND {filter}"),
            3 => format!("SELECT * FROM {a} t LEFT JOIN {b} u ON {on} AND {filter}"),
            4 if !both.is_empty() => {
                format!("SELECT * FROM {a} t JOIN {b} u USING ({using}) WHERE {filter}")
            }
            5 if !both.is_empty() => {
                format!("SELECT * FROM {a} t NATURAL JOIN {b} u WHERE {filter}")
            }
            6 => format!("SELECT u.v FROM {a} t STRAIGHT_JOIN {b} u ON {on} WHERE {filter}"),
            _ => format!("SELECT t.*, u.v FROM {a} t INNER JOIN {b} u ON {on} WHERE {filter}"),
        };
        self.done(Kind::Select, false, sql)
    }

    fn union(&mut self, from: From) -> Sql {
        let other = From {
            table: self.rng.pick(&TABLES),
            alias: "t",
        };
        let (a, b) = (from.table.name, other.table.name);
        let (x, y) = (self.on_key(from), self.on_key(other));
        let all = *self
            .rng
            .pick(&["UNION ALL", "UNION", "EXCEPT", "INTERSECT"]);
        let sql = format!("SELECT t.v FROM {a} t WHERE {x} {all} SELECT t.v FROM {b} t WHERE {y}");
        self.done(Kind::Select, false, sql)
    }

    fn derived(&mut self, from: From) -> Sql {
        let (name, key) = (from.table.name, from.table.key[0]);
        let outside = From {
            table: from.table,
            alias: "q",
        };
        let sql = match self.rng.below(4) {
            0 => format!(
                "SELECT * FROM (SELECT * FROM {name} t WHERE {}) q",
                self.filter(from)
            ),
            1 => format!(
                "WITH q AS (SELECT * FROM {name} t WHERE {}) SELECT * FROM q WHERE {}",
                self.filter(from),
                self.comparison(outside)
            ),
            2 => format!(
                "SELECT q.{key} FROM (SELECT * FROM {name}) q WHERE {}",
                self.comparison(outside)
            ),
            _ => format!(
                "SELECT (SELECT MAX(t.v) FROM {name} t WHERE {}) m",
                self.filter(from)
            ),
        };
        self.done(Kind::Select, false, sql)
    }

    fn locking(&mut self, from: From) -> Sql {
        let (name, filter) = (from.table.name, self.on_key(from));
        let how = *self.rng.pick(&["FOR UPDATE", "LOCK IN SHARE MODE"]);
        let sql = format!("SELECT * FROM {name} t WHERE {filter} {how}");
        self.done(Kind::Select, false, sql)
    }

    // ---- writes ----

    fn insert(&mut self) -> Sql {
        let table = self.rng.pick(&TABLES);
        let name = table.name;
        let n = *self.rng.pick(&[1, 1, 1, 2, 3]);
        let lenient = !["STRICT", "DEFAULT"]
            .iter()
            .any(|m| self.settings.contains(m));
        // NULL for a NOT NULL column is an error in a single row and a default in one of several, which a
        // shard's part need not be (docs/limits.md).
        let odd_percent = if lenient && n > 1 { 0 } else { 15 };
        let rows: Vec<_> = (0..n).map(|_| self.row(table, odd_percent)).collect();
        let rows = rows.join(", ");
        let columns: Vec<_> = table.columns.iter().map(|c| c.name).collect();
        let columns = columns.join(", ");
        let sql = match self.rng.below(7) {
            0 => format!("INSERT INTO {name} VALUES {rows}"),
            1 => format!("REPLACE INTO {name} VALUES {rows}"),
            2 => format!("INSERT IGNORE INTO {name} VALUES {rows}"),
            3 => format!("INSERT INTO {name} VALUES {rows} ON DUPLICATE KEY UPDATE v = v + 1"),
            4 => format!(
                "INSERT INTO {name} ({columns}) VALUES {rows} ON DUPLICATE KEY UPDATE v = VALUES(v)"
            ),
            5 if n == 1 => {
                let set: Vec<_> = table
                    .columns
                    .iter()
                    .map(|c| format!("{} = {MARK}", c.name))
                    .collect();
                format!("INSERT INTO {name} SET {}", set.join(", "))
            }
            _ => format!("INSERT INTO {name} ({columns}) VALUES {rows}"),
        };
        self.done(Kind::Write, false, sql)
    }

    fn update(&mut self) -> Sql {
        let mut from = self.from();
        from.alias = from.table.name;
        let name = from.table.name;
        let set = match self.rng.below(4) {
            0 => "v = v + 1".to_string(),
            1 => {
                let c = self.rng.pick(from.table.columns);
                format!("{} = {}", c.name, self.value(c.kind, 20))
            }
            _ => format!("v = {}", self.value(Type::Int, 10)),
        };
        let filter = self.filter(from);
        self.done(
            Kind::Write,
            false,
            format!("UPDATE {name} SET {set} WHERE {filter}"),
        )
    }

    fn delete(&mut self) -> Sql {
        let mut from = self.from();
        from.alias = from.table.name;
        let filter = self.filter(from);
        self.done(
            Kind::Write,
            false,
            format!("DELETE FROM {} WHERE {filter}", from.table.name),
        )
    }
}
