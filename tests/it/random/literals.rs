//! Values in the many ways in which they can be written.

use super::Rng;
use super::schema::Type;
use mysql_async::Value;

/// A value in a statement: as text, and as a parameter where it can be one.
#[derive(Debug, Clone)]
pub struct Literal {
    pub text: String,
    pub value: Option<Value>,
}

fn plain(text: impl Into<String>, value: impl Into<Value>) -> Literal {
    Literal {
        text: text.into(),
        value: Some(value.into()),
    }
}

fn odd(text: impl Into<String>) -> Literal {
    Literal {
        text: text.into(),
        value: None,
    }
}

const WORDS: [&str; 8] = ["anna", "bob", "carl", "dora", "emil", "5", "a b", "x"];

/// One of a type; `odd_percent` of them are written as few people write them.
pub fn literal(rng: &mut Rng, kind: Type, odd_percent: usize) -> Literal {
    let is_odd = rng.chance(odd_percent);
    match kind {
        Type::Int | Type::Big if is_odd => odd_number(rng),
        Type::Int | Type::Big => {
            let n = rng.below(20) as i64;
            plain(n.to_string(), n)
        }
        Type::Decimal if is_odd && rng.chance(50) => odd_number(rng),
        Type::Decimal => {
            let n = format!(
                "{}.{}",
                rng.below(6),
                rng.pick(&["0", "00", "5", "50", "25"])
            );
            plain(n.clone(), n)
        }
        Type::Date | Type::Time if is_odd => odd_date(rng),
        Type::Date => quoted(&format!("2026-01-{:02}", 1 + rng.below(14))),
        Type::Time => quoted(&format!(
            "2026-01-{:02} {:02}:00:00",
            1 + rng.below(4),
            rng.below(3)
        )),
        Type::Word | Type::Exact if is_odd => odd_word(rng),
        Type::Word | Type::Exact => quoted(rng.pick::<&str>(&WORDS)),
    }
}

fn quoted(text: &str) -> Literal {
    plain(format!("'{text}'"), text)
}

fn odd_number(rng: &mut Rng) -> Literal {
    let n = rng.below(16) as i64;
    match rng.below(30) {
        0 => plain(format!("'{n}'"), n.to_string()),
        1 => plain(format!("'{n}abc'"), format!("{n}abc")),
        2 => plain(format!("{n}.0"), n as f64),
        3 => plain(format!("{n}.4"), n as f64 + 0.4),
        4 => plain(format!("{n}.5"), format!("{n}.5")),
        5 => odd(format!("0x{n:02x}")),
        6 => odd("TRUE"),
        7 | 8 => plain("NULL", Value::NULL),
        9 => plain(format!("-{n}"), -n),
        10 => plain(format!("' {n}'"), format!(" {n}")),
        11 => plain(format!("'{n} '"), format!("{n} ")),
        12 => plain(format!("'0{n}'"), format!("0{n}")),
        13 => odd(format!("{n}e0")),
        14 => odd(format!("1 + {n}")),
        15 => odd(format!("-(-{n})")),
        16 => odd(format!("b'{n:b}'")),
        17 => plain("''", ""),
        18 => plain(format!("'{n}.0'"), format!("{n}.0")),
        19 => plain("99999999999999999999", "99999999999999999999"),
        20 => odd(format!("CAST('{n}' AS SIGNED)")),
        21 => odd(format!("+{n}")),
        22 => odd(format!("0{n}")),
        23 => odd(format!("ABS(-{n})")),
        24 => odd(format!("({n})")),
        25 => odd(format!("(SELECT {n})")),
        26 => plain(format!("'{n}e0'"), format!("{n}e0")),
        27 => plain("18446744073709551615", u64::MAX),
        28 => odd(format!("DATE'2026-01-{:02}'", n + 1)),
        _ => odd(format!("x'{:02x}'", b'0' + (n % 10) as u8)),
    }
}

fn odd_date(rng: &mut Rng) -> Literal {
    let n = 1 + rng.below(14);
    match rng.below(19) {
        0 => quoted(&format!("2026-1-{n}")),
        1 => plain(format!("202601{n:02}"), 20_260_100 + n as i64),
        2 => quoted(&format!("202601{n:02}")),
        3 => quoted(&format!("2026-01-{n:02} 00:00:00")),
        4 => quoted(&format!("2026-01-{n:02} 10:00:00")),
        5 => odd(format!("DATE'2026-01-{n:02}'")),
        6 => odd(format!("TIMESTAMP'2026-01-{n:02} 01:00:00'")),
        7 => quoted(&format!("2026.01.{n:02}")),
        8 => quoted(&format!("26-01-{n:02}")),
        9 => plain("NULL", Value::NULL),
        10 => quoted(""),
        11 => plain("0", 0),
        12 => quoted("2026-02-30"),
        13 => plain(
            format!("202601{n:02}000000"),
            20_260_100_000_000 + n as i64 * 1_000_000,
        ),
        14 => quoted(&format!("2026-01-{n:02}T01:00:00")),
        15 => quoted(&format!("2026-01-{n:02} 01:00:00.4")),
        16 => quoted(&format!("2026-01-{n:02} 01:00:00.6")),
        17 => plain(
            format!("'2026-01-{n:02} 01:00:00'"),
            Value::Date(2026, 1, n as u8, 1, 0, 0, 0),
        ),
        _ => quoted(&format!(" 2026-01-{n:02} ")),
    }
}

fn odd_word(rng: &mut Rng) -> Literal {
    let w = rng.pick(&WORDS).to_string();
    match rng.below(19) {
        0 => quoted(&w.to_uppercase()),
        1 => quoted(&format!("{w}  ")),
        2 => quoted(&format!(" {w}")),
        3 => plain("5", 5),
        4 => plain("5.0", 5.0),
        5 => plain("NULL", Value::NULL),
        6 => quoted(""),
        7 => odd(format!("_utf8mb4'{w}'")),
        8 => odd(format!("_latin1'{w}'")),
        9 => odd(format!("'{w}' COLLATE utf8mb4_bin")),
        10 => odd(format!("N'{w}'")),
        11 => odd(format!("'{}' '{}'", &w[..1], &w[1..])),
        12 => odd(format!("BINARY '{w}'")),
        13 => odd(format!("CONCAT('{w}', '')")),
        14 => odd(format!(
            "x'{}'",
            w.bytes().map(|b| format!("{b:02x}")).collect::<String>()
        )),
        15 => quoted(&format!("{}%", &w[..1])),
        16 => quoted(rng.pick::<&str>(&["ä", "Ä", "ß", "ss", "é", "e", "🙂", "ǆ"])),
        17 => quoted(&format!("{w}é")),
        _ => quoted(&format!("{}{}", w[..1].to_uppercase(), &w[1..])),
    }
}
