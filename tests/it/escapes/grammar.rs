//! Statements that try to get at objects of another database, in the ways that a text may name them.

use crate::random::Rng;

/// How the table is written.
const TABLES: [&str; 12] = [
    "esc_bank.s",
    "esc_bank.w",
    "`esc_bank`.`s`",
    "esc_bank . s",
    "esc_bank/* . */.s",
    "`esc_bank`.s",
    "/*!esc_bank*/.s",
    "/*!50001 esc_bank.s*/",
    "\"esc_bank\".\"s\"",
    "[esc_bank].[s]",
    "mysql.user",
    "esc_bank.`s` AS x",
];
/// What changes how the session's text is read, or whose it is.
const MODES: [&str; 16] = [
    "SET sql_mode = 'ANSI_QUOTES'",
    "SET sql_mode = \"ANSI_QUOTES\"",
    "SET sql_mode = 4",
    "SET sql_mode = N'ANSI_QUOTES'",
    "SET sql_mode = x'414E53495F51554F544553'",
    "SET sql_mode = 'MSSQL'",
    "SET sql_mode = DEFAULT",
    "SET NAMES gbk",
    "SET character_set_client = 'gbk'",
    "SET NAMES utf8mb4",
    "SET ROLE ALL",
    "SET ROLE root",
    "SET PASSWORD FOR root@localhost = PASSWORD('x')",
    "USE esc_bank",
    "USE mysql",
    "SET GLOBAL max_connections = 7",
];
/// Statements on the objects alone.
const DIRECT: [&str; 30] = [
    "INSERT INTO {x} VALUES (9, 'n')",
    "REPLACE INTO {x} VALUES (1, 'n')",
    "INSERT INTO {x} SELECT * FROM t",
    "UPDATE {x} SET v = 'n'",
    "UPDATE t, {x} SET t.v = s.v",
    "DELETE FROM {x}",
    "DELETE s FROM t, {x}",
    "TRUNCATE TABLE {x}",
    "DROP TABLE {x}",
    "DROP TABLE IF EXISTS t9, {x}",
    "ALTER TABLE {x} ADD COLUMN n INT",
    "ALTER TABLE u RENAME TO esc_bank.u",
    "RENAME TABLE u TO esc_bank.u",
    "RENAME TABLE {x} TO stolen",
    "CREATE TABLE copied LIKE {x}",
    "CREATE TABLE esc_bank.n (id INT)",
    "CREATE INDEX i ON {x} (v)",
    "CREATE TRIGGER esc_bank.g BEFORE INSERT ON esc_bank.s FOR EACH ROW SET NEW.v = 'n'",
    "CREATE PROCEDURE esc_bank.q() SELECT 1",
    "DROP PROCEDURE esc_bank.p",
    "DROP DATABASE esc_bank",
    "CREATE DATABASE esc_new",
    "SHOW CREATE TABLE {x}",
    "SHOW COLUMNS FROM {x}",
    "SHOW TABLES FROM esc_bank",
    "DESCRIBE {x}",
    "HANDLER {x} OPEN",
    "ANALYZE TABLE {x}",
    "CALL esc_bank.p()",
    "DO esc_bank.f()",
];
/// Statements that name nothing, or whose text is made while they run.
const HIDDEN: [&str; 24] = [
    "EXECUTE IMMEDIATE CONCAT('SELECT v FROM esc_', 'bank.s')",
    "EXECUTE IMMEDIATE @made",
    "SET @made = CONCAT('SELECT v FROM esc', '_bank.s')",
    "PREPARE p FROM @made",
    "EXECUTE p",
    "CREATE OR REPLACE PROCEDURE dyn() EXECUTE IMMEDIATE CONCAT('SELECT v FROM esc', '_bank.s')",
    "CREATE OR REPLACE PROCEDURE dyn() EXECUTE IMMEDIATE CONCAT('SET RO', 'LE root')",
    "CALL dyn()",
    "CREATE OR REPLACE DEFINER = root@localhost VIEW w0 AS SELECT * FROM esc_bank.s",
    "CREATE OR REPLACE DEFINER = root@localhost PROCEDURE dyn() SELECT * FROM esc_bank.s",
    "SELECT * FROM w0",
    "CALL p0()",
    "SELECT g0()",
    "SELECT LOAD_FILE('/etc/hostname')",
    "SELECT `load_file`('/etc/hostname')",
    "SELECT v INTO OUTFILE '/tmp/esc' FROM t",
    "GRANT ALL ON *.* TO CURRENT_USER()",
    "CREATE USER esc_new IDENTIFIED BY 'x'",
    "CREATE TABLE n0 (a INT) ENGINE = MyISAM DATA DIRECTORY = '/tmp'",
    "CREATE OR REPLACE FUNCTION udf RETURNS STRING SONAME 'x.so'",
    "SHOW GRANTS FOR root@localhost",
    "SELECT * FROM information_schema.processlist",
    "INSERT INTO u SELECT id + 10, v FROM t",
    "DELETE FROM u",
];

/// Makes the statements of one user.
pub struct Grammar {
    rng: Rng,
    own: &'static str,
}

impl Grammar {
    /// For a user whose database has the same name.
    pub fn new(rng: Rng, own: &'static str) -> Self {
        Self { rng, own }
    }

    /// A statement, and whether it is prepared.
    pub fn statement(&mut self) -> (String, bool) {
        let prepared = self.rng.chance(15);
        let sql = match self.rng.below(100) {
            0..4 => self.rng.pick(&MODES).to_string(),
            4..8 => format!("USE {}", self.own),
            8..24 => {
                let x = *self.rng.pick(&TABLES);
                self.rng.pick(&DIRECT).replace("{x}", x)
            }
            24..38 => self.rng.pick(&HIDDEN).to_string(),
            _ => self.around_a_query(),
        };
        (sql, prepared)
    }

    /// One value of the table.
    fn value(&mut self) -> String {
        let x = *self.rng.pick(&TABLES);
        match self.rng.below(6) {
            0 => "esc_bank.f()".to_string(),
            1 => "`esc_bank`.`f`()".to_string(),
            2 => format!("(SELECT MAX(v) FROM {x})"),
            3 => format!("(SELECT b.v FROM {}.t a, {x} b LIMIT 1)", self.own),
            4 => format!("(WITH c AS (SELECT v FROM {x}) SELECT v FROM c LIMIT 1)"),
            _ => format!("(SELECT v FROM {x} LIMIT 1)"),
        }
    }

    fn query(&mut self) -> String {
        let (x, own) = (*self.rng.pick(&TABLES), self.own);
        match self.rng.below(16) {
            0 => format!("SELECT v FROM {x}"),
            1 => format!("SELECT * FROM {own}.t a, {x}"),
            2 => format!("SELECT * FROM ({own}.t a, {x})"),
            3 => format!("SELECT * FROM {own}.t a JOIN {x} ON a.id = 1"),
            4 => format!("SELECT * FROM {own}.t a STRAIGHT_JOIN {x}"),
            5 => format!("SELECT * FROM {own}.t a LEFT JOIN {own}.u b ON a.id = b.id, {x}"),
            6 => format!("SELECT v FROM {own}.t UNION ALL SELECT v FROM {x}"),
            7 => format!("SELECT * FROM (SELECT v FROM {x}) d"),
            8 => format!("WITH c AS (SELECT v FROM {x}) SELECT * FROM c"),
            9 => format!("(SELECT v FROM {x})"),
            10 => format!("SELECT v FROM {own}.t WHERE v < {}", self.value()),
            11 => format!("SELECT v FROM {own}.t ORDER BY {}", self.value()),
            12 => format!("SELECT id, {} FROM {own}.t GROUP BY id", self.value()),
            13 => format!("SELECT EXTRACTVALUE(1, CONCAT('~', {}))", self.value()),
            14 => format!(
                "SELECT MAX(v) OVER (ORDER BY {}) FROM {own}.t",
                self.value()
            ),
            _ => format!("SELECT {}", self.value()),
        }
    }

    fn around_a_query(&mut self) -> String {
        let q = self.query();
        let quoted = q.replace('\'', "''");
        let value = self.value();
        match self.rng.below(24) {
            0 => format!("EXPLAIN {q}"),
            1 => format!("ANALYZE {q}"),
            2 => format!("{q} FOR UPDATE"),
            3 => format!("SET @a = {value}"),
            4 => format!("SET @a = 1, @b = {value}"),
            5 => format!("PREPARE p FROM '{quoted}'"),
            6 => format!("EXECUTE IMMEDIATE '{quoted}'"),
            7 => format!("CREATE OR REPLACE VIEW w0 AS {q}"),
            8 => format!("CREATE OR REPLACE PROCEDURE p0() {q}"),
            9 => format!(
                "CREATE OR REPLACE FUNCTION g0() RETURNS TEXT DETERMINISTIC READS SQL DATA RETURN {value}"
            ),
            10 => format!("INSERT INTO {}.u SELECT 5, x.v FROM ({q}) x", self.own),
            11 => format!("CREATE TEMPORARY TABLE tmp AS {q}"),
            12 => format!("BEGIN NOT ATOMIC {q}; END"),
            13 => format!("SET STATEMENT max_statement_time = 5 FOR {q}"),
            14 => {
                let list = [
                    "DATABASES",
                    "TABLES",
                    "VARIABLES",
                    "STATUS",
                    "COLLATION",
                    "TABLE STATUS",
                ];
                format!("SHOW {} WHERE 1 = {value}", self.rng.pick(&list))
            }
            15 => format!("UPDATE {}.t SET v = {value}", self.own),
            16 => format!("DELETE FROM {}.u WHERE v = {value}", self.own),
            17 => format!("INSERT INTO {}.u VALUES (7, {value})", self.own),
            18 => format!("DO {value}"),
            19 => format!("SELECT v INTO @a FROM ({q}) x LIMIT 1"),
            _ => q,
        }
    }
}
