//! What changes how text is read: sql_mode, and which server will run it.

/// The parts of sql_mode that change how a statement and its values are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct LexMode {
    /// "x" is a name, not a string.
    pub ansi_quotes: bool,
    /// A backslash in a string is a plain character.
    pub no_backslash_escapes: bool,
    /// || concatenates instead of meaning OR.
    pub pipes_as_concat: bool,
    /// The grammar is another one (sql_mode=ORACLE); statements on sharded tables are refused.
    pub foreign_grammar: bool,
    /// No STRICT_ mode: a value that does not fit a column is changed rather than refused.
    pub lenient: bool,
}

impl LexMode {
    /// Reads a sql_mode value as the server prints it ("ANSI_QUOTES,STRICT_TRANS_TABLES").
    pub fn from_sql_mode(value: &str) -> Self {
        let mut mode = Self {
            lenient: true,
            ..Self::default()
        };
        for part in value.split(',') {
            match part.trim().to_ascii_uppercase().as_str() {
                "ANSI_QUOTES" => mode.ansi_quotes = true,
                "NO_BACKSLASH_ESCAPES" => mode.no_backslash_escapes = true,
                "PIPES_AS_CONCAT" => mode.pipes_as_concat = true,
                "STRICT_TRANS_TABLES" | "STRICT_ALL_TABLES" | "TRADITIONAL" => mode.lenient = false,
                "ANSI" | "MSSQL" | "DB2" | "POSTGRESQL" | "MAXDB" => {
                    mode.ansi_quotes = true;
                    mode.pipes_as_concat = true;
                }
                "ORACLE" => {
                    mode.ansi_quotes = true;
                    mode.pipes_as_concat = true;
                    mode.foreign_grammar = true;
                }
                _ => {}
            }
        }
        mode
    }

    /// True if `[x]` is a name under this sql_mode, which nothing here reads so.
    pub fn has_bracket_quotes(sql_mode: &str) -> bool {
        let mut parts = sql_mode.split(',');
        parts.any(|p| p.trim().eq_ignore_ascii_case("MSSQL"))
    }

    /// All settings as a few bits, for cache keys.
    pub fn bits(self) -> u8 {
        u8::from(self.ansi_quotes)
            | u8::from(self.no_backslash_escapes) << 1
            | u8::from(self.pipes_as_concat) << 2
            | u8::from(self.foreign_grammar) << 3
            | u8::from(self.lenient) << 4
    }
}

/// The servers that run the statements, as far as version comments and functions care.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flavor {
    /// MariaDB rather than MySQL.
    pub mariadb: bool,
    /// Version as in comments: 10.11.6 is 101106, 8.0.36 is 80036. Of several servers the oldest.
    pub version: u32,
    /// Of several servers the newest.
    pub newest: u32,
}

impl Flavor {
    /// Reads a version text such as "10.11.6-MariaDB-1" or "5.5.5-10.4.2-MariaDB" or "8.0.36".
    pub fn from_version(text: &str) -> Self {
        let mariadb = text.to_ascii_lowercase().contains("mariadb");
        let text = if mariadb {
            text.strip_prefix("5.5.5-").unwrap_or(text)
        } else {
            text
        };
        let mut parts = text
            .split(|c: char| !c.is_ascii_digit())
            .take(3)
            .map(|p| p.parse::<u32>().unwrap_or(0));
        let mut next = || parts.next().unwrap_or(0);
        let version = next() * 10_000 + next() * 100 + next();
        let newest = version;
        Self {
            mariadb,
            version,
            newest,
        }
    }

    /// What holds for this and for another server of its kind.
    pub fn and(self, other: Flavor) -> Self {
        Self {
            mariadb: self.mariadb,
            version: self.version.min(other.version),
            newest: self.newest.max(other.newest),
        }
    }

    /// True if the collation that utf8mb4 stands for is utf8mb4_general_ci: before MySQL 8.0.1
    /// (then utf8mb4_0900_ai_ci) and MariaDB 11.5 (then utf8mb4_uca1400_ai_ci).
    pub fn utf8mb4_is_general_ci(&self) -> bool {
        let until = if self.mariadb { 110_500 } else { 80_001 };
        self.version < until
    }

    /// True if the servers run what stands in `/*!version ...`; `mariadb_only` is `/*M!`. `None` if some do
    /// and others do not.
    /// MariaDB skips MySQL 5.7 to 9.x (50700..=99999), whose syntax it does not share.
    pub fn runs(self, version: u32, mariadb_only: bool) -> Option<bool> {
        if mariadb_only && !self.mariadb {
            return Some(false);
        }
        let foreign = self.mariadb && !mariadb_only && (50_700..=99_999).contains(&version);
        match version {
            _ if foreign => Some(false),
            v if v <= self.version => Some(true),
            v if v > self.newest => Some(false),
            _ => None,
        }
    }
}

impl Default for Flavor {
    fn default() -> Self {
        Self {
            mariadb: true,
            version: 101_100,
            newest: 101_100,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_and_comments() {
        let m = Flavor::from_version("10.11.14-MariaDB-0+deb12u2");
        assert_eq!(
            m,
            Flavor {
                mariadb: true,
                version: 101_114,
                newest: 101_114,
            }
        );
        assert_eq!(
            Flavor::from_version("5.5.5-10.4.2-MariaDB").version,
            100_402
        );
        assert_eq!(
            Flavor::from_version("8.0.36"),
            Flavor {
                mariadb: false,
                version: 80_036,
                newest: 80_036,
            }
        );
        for (version, mariadb_only) in [(0, false), (40_101, false), (100_100, true)] {
            assert_eq!(m.runs(version, mariadb_only), Some(true), "{version}");
        }
        for version in [80_000, 999_999] {
            assert_eq!(m.runs(version, false), Some(false), "{version}");
        }
        assert_eq!(Flavor::from_version("8.0.36").runs(0, true), Some(false));
    }

    #[test]
    fn servers_of_two_versions_agree_on_what_is_older_or_newer_than_both() {
        let (old, new) = ("10.11.4-MariaDB", "11.4.2-MariaDB");
        let both = Flavor::from_version(new).and(Flavor::from_version(old));
        let run = [101_104, 101_105, 110_402, 110_403].map(|v| both.runs(v, true));
        assert_eq!(run, [Some(true), None, None, Some(false)]);
        assert_eq!(both.runs(80_000, false), Some(false));
    }
}
