//! The tables of the random statements: every placement, every type that a key can have.

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    Int,
    Big,
    Decimal,
    Date,
    Time,
    /// Compared without case.
    Word,
    /// Compared byte by byte.
    Exact,
}

/// A column.
pub struct Column {
    pub name: &'static str,
    pub kind: Type,
    pub definition: &'static str,
}

/// A table.
pub struct Table {
    pub name: &'static str,
    pub columns: &'static [Column],
    /// Columns of the primary key (or of the sharding key where there is none).
    pub key: &'static [&'static str],
    pub unique: bool,
    pub rule: &'static str,
}

impl Table {
    /// Its CREATE TABLE; the plain server takes the rule for a comment.
    pub fn create(&self) -> String {
        let columns: Vec<_> = self
            .columns
            .iter()
            .map(|c| format!("{} {}", c.name, c.definition))
            .collect();
        // No key where values repeat: MariaDB finds k = 1 there for k = 1.4.
        let key = match self.unique {
            true => format!(", PRIMARY KEY ({})", self.key.join(", ")),
            false => String::new(),
        };
        format!(
            "CREATE TABLE {} ({}{key}) COMMENT '{}'",
            self.name,
            columns.join(", "),
            self.rule.replace('\'', "''")
        )
    }

    /// A column of it.
    pub fn column(&self, name: &str) -> &Column {
        self.columns
            .iter()
            .find(|c| c.name == name)
            .expect("a column of the table")
    }
}

const fn col(name: &'static str, kind: Type, definition: &'static str) -> Column {
    Column {
        name,
        kind,
        definition,
    }
}

const V: Column = col("v", Type::Int, "INT");
const B: Column = col("b", Type::Word, "VARCHAR(20) COLLATE utf8mb4_general_ci");

/// All of them.
pub const TABLES: [Table; 14] = [
    Table {
        name: "h",
        columns: &[
            col("id", Type::Int, "INT NOT NULL"),
            V,
            B,
            col("c", Type::Decimal, "DECIMAL(8,2)"),
            col("d", Type::Date, "DATE"),
        ],
        key: &["id"],
        unique: true,
        rule: "shard by hash(id)",
    },
    Table {
        name: "o",
        columns: &[
            col("id", Type::Int, "INT NOT NULL"),
            col("n", Type::Int, "INT NOT NULL"),
            V,
            B,
        ],
        key: &["id", "n"],
        unique: true,
        rule: "shard by hash(id)",
    },
    Table {
        name: "rd",
        columns: &[
            col("d", Type::Date, "DATE NOT NULL"),
            col("n", Type::Int, "INT NOT NULL"),
            V,
        ],
        key: &["d", "n"],
        unique: true,
        rule: "shard by range(d) (partition a values less than ('2026-01-05') on s1, \
               partition b values less than ('2026-01-10') on s2, \
               partition c values less than (maxvalue) on s1)",
    },
    Table {
        name: "ri",
        columns: &[col("id", Type::Int, "INT NOT NULL"), V, B],
        key: &["id"],
        unique: true,
        rule: "shard by range(id) (partition a values less than (5) on s1, \
               partition b values less than (12) on s2, partition c values less than (100) on s1)",
    },
    Table {
        name: "li",
        columns: &[
            col(
                "w",
                Type::Word,
                "VARCHAR(20) COLLATE utf8mb4_general_ci NOT NULL",
            ),
            col("n", Type::Int, "INT NOT NULL"),
            V,
        ],
        key: &["w", "n"],
        unique: true,
        rule: "shard by list(w) (partition a values in ('anna', 'bob') on s1, \
               partition b values in ('carl', '5') on s2, partition c default on s2)",
    },
    Table {
        name: "ln",
        columns: &[col("k", Type::Int, "INT"), V],
        key: &["k"],
        unique: false,
        rule: "shard by list(k) (partition a values in (1, 2, 3, null) on s1, partition b default on s2)",
    },
    Table {
        name: "nm",
        columns: &[
            col(
                "w",
                Type::Word,
                "VARCHAR(20) COLLATE utf8mb4_general_ci NOT NULL",
            ),
            V,
        ],
        key: &["w"],
        unique: true,
        rule: "shard by hash(w)",
    },
    Table {
        name: "nb",
        columns: &[
            col("w", Type::Exact, "VARCHAR(20) COLLATE utf8mb4_bin NOT NULL"),
            V,
        ],
        key: &["w"],
        unique: true,
        rule: "shard by hash(w)",
    },
    Table {
        name: "dt",
        columns: &[col("t", Type::Time, "DATETIME NOT NULL"), V],
        key: &["t"],
        unique: true,
        rule: "shard by hash(t)",
    },
    Table {
        name: "dc",
        columns: &[col("k", Type::Decimal, "DECIMAL(10,2) NOT NULL"), V],
        key: &["k"],
        unique: true,
        rule: "shard by hash(k)",
    },
    Table {
        name: "bu",
        columns: &[col("k", Type::Big, "BIGINT UNSIGNED"), V],
        key: &["k"],
        unique: false,
        rule: "shard by hash(k)",
    },
    Table {
        name: "two",
        columns: &[
            col("id", Type::Int, "INT NOT NULL"),
            col("d", Type::Date, "DATE NOT NULL"),
            V,
        ],
        key: &["id", "d"],
        unique: true,
        rule: "shard by hash(id, d)",
    },
    Table {
        name: "ref",
        columns: &[col("id", Type::Int, "INT NOT NULL"), V, B],
        key: &["id"],
        unique: true,
        rule: "shard by reference",
    },
    Table {
        name: "sg",
        columns: &[col("id", Type::Int, "INT NOT NULL"), V, B],
        key: &["id"],
        unique: true,
        rule: "",
    },
];
