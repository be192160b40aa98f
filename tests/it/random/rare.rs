//! Statements in words that few people use.

use super::grammar::{From, Grammar, Kind, Sql};
use super::schema::{TABLES, Type};

impl Grammar {
    /// Queries in words that few people use.
    pub fn rare_query(&mut self) -> Sql {
        let from = self.from();
        let (name, key) = (from.table.name, from.table.key[0]);
        let kind = from.table.column(key).kind;
        let sql = match self.rng.below(15) {
            0 => format!(
                "SELECT * FROM {name} PARTITION (a) t WHERE {}",
                self.on_key(from)
            ),
            1 => format!(
                "SELECT t.v INTO @v FROM {name} t WHERE {} LIMIT 0",
                self.on_key(from)
            ),
            2 => format!("SELECT @v, t.v FROM {name} t WHERE {}", self.on_key(from)),
            3 => format!(
                "SELECT * FROM {name} AS t USE INDEX () WHERE {}",
                self.on_key(from)
            ),
            4 => format!("(SELECT * FROM {name} t WHERE {})", self.on_key(from)),
            5 => format!(
                "SELECT SQL_CALC_FOUND_ROWS t.v FROM {name} t WHERE {}",
                self.on_key(from)
            ),
            6 => format!(
                "SELECT IF(t.{key} = {}, 1, t.v) FROM {name} t WHERE {}",
                self.value(kind, 0),
                self.on_key(from)
            ),
            7 => format!(
                "SELECT CASE WHEN {} THEN 1 END FROM {name} t",
                self.on_key(from)
            ),
            8 => format!(
                "SELECT t.v FROM {name} t HAVING t.v = {}",
                self.value(Type::Int, 20)
            ),
            9 => format!("TABLE {name}"),
            11 => format!(
                "WITH {name} AS (SELECT * FROM {name} t WHERE {}) SELECT * FROM {name}",
                self.on_key(from)
            ),
            12 => format!(
                "WITH q AS (SELECT * FROM {name}), {name} AS (SELECT 1 AS v) SELECT * FROM q"
            ),
            13 => format!("WITH {name} AS (SELECT 1 AS v) SELECT * FROM {name}"),
            10 => format!(
                "SELECT t.v FROM {name} t WHERE {} PROCEDURE ANALYSE()",
                self.on_key(from)
            ),
            _ => format!(
                "SELECT FOUND_ROWS() FROM {name} t WHERE {} LIMIT 0",
                self.on_key(from)
            ),
        };
        self.done(Kind::Select, false, sql)
    }

    /// Writes in words that few people use.
    pub fn rare_write(&mut self) -> Sql {
        let mut from = self.from();
        from.alias = from.table.name;
        let other = From {
            table: self.rng.pick(&TABLES),
            alias: "u",
        };
        let (name, key, second) = (from.table.name, from.table.key[0], other.table.name);
        let order = match from.table.unique {
            true => format!(" ORDER BY {} LIMIT 1", from.key()),
            false => String::new(),
        };
        let aliased = From {
            table: from.table,
            alias: "t",
        };
        let sql = match self.rng.below(10) {
            0 => format!("UPDATE {name} SET v = 1 WHERE {}{order}", self.on_key(from)),
            1 => format!("DELETE FROM {name} WHERE {}{order}", self.on_key(from)),
            2 => format!("UPDATE {name} t, {second} u SET t.v = 3 WHERE {}", {
                let (a, b) = (self.on_key(aliased), self.on_key(other));
                format!("{a} AND {b}")
            }),
            3 => format!(
                "DELETE t FROM {name} t JOIN {second} u ON t.v = u.v WHERE {}",
                self.on_key(aliased)
            ),
            4 => format!(
                "INSERT INTO sg SELECT t.{key}, t.v, 'x' FROM {name} t WHERE {}",
                self.on_key(aliased)
            ),
            5 => format!(
                "INSERT INTO {name} SELECT * FROM {name} t WHERE {}",
                self.on_key(aliased)
            ),
            6 => format!(
                "UPDATE {name} SET v = (SELECT MAX(u.v) FROM {second} u WHERE {})",
                self.on_key(other)
            ),
            7 => {
                let row = self.row(from.table, 0);
                format!(
                    "INSERT INTO {name} VALUES {row} ON DUPLICATE KEY UPDATE {key} = {}",
                    {
                        let kind = from.table.column(key).kind;
                        self.value(kind, 0)
                    }
                )
            }
            8 if from.table.columns.len() == 2 => {
                let kind = from.table.column(key).kind;
                let (value, max) = (self.value(kind, 0), format!("(SELECT MAX(v) FROM {name})"));
                match self.rng.chance(50) {
                    true => format!("INSERT INTO {name} VALUES ({value}, {max})"),
                    false => format!(
                        "INSERT INTO {name} VALUES ({value}, 1) ON DUPLICATE KEY UPDATE v = {max}"
                    ),
                }
            }
            8 => format!(
                "UPDATE IGNORE {name} SET v = v + 1 WHERE {}",
                self.filter(from)
            ),
            _ => format!("UPDATE {name} SET v = @v WHERE {}", self.filter(from)),
        };
        self.done(Kind::Write, false, sql)
    }
}
