//! Dates and date-times as sharding keys: only what every server reads alike is understood.

/// A point in time without zone: days and microseconds, ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DateTime {
    /// Year, month, day.
    pub date: (u16, u8, u8),
    /// Microseconds since midnight.
    pub micros: u64,
}

impl DateTime {
    /// From parts; `None` if they are no date of the calendar or no time of day.
    pub fn new(date: (u16, u8, u8), time: (u8, u8, u8), micros: u32) -> Option<Self> {
        let (y, m, d) = date;
        let leap = y % 4 == 0 && (y % 100 != 0 || y % 400 == 0);
        let days = match m {
            1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
            4 | 6 | 9 | 11 => 30,
            2 => 28 + u8::from(leap),
            _ => return None,
        };
        let valid = (1000..=9999).contains(&y) && (1..=days).contains(&d);
        let (h, min, s) = time;
        if !valid || h > 23 || min > 59 || s > 59 || micros > 999_999 {
            return None;
        }
        let seconds = u64::from(h) * 3600 + u64::from(min) * 60 + u64::from(s);
        Some(Self {
            date,
            micros: seconds * 1_000_000 + u64::from(micros),
        })
    }

    /// Reads `Y-M-D` or `Y-M-D H:M:S[.f]`: a year of four digits, the other parts of one or two, a blank or T
    /// before the time; nothing looser.
    pub fn parse(text: &str) -> Option<Self> {
        let (date, time) = match text.find([' ', 'T']) {
            Some(at) => (&text[..at], Some(&text[at + 1..])),
            None => (text, None),
        };
        let [year, month, day] = parts(date, '-')?;
        if year.len() != 4 {
            return None;
        }
        let date = (year.parse().ok()?, short(month)?, short(day)?);
        let Some(time) = time else {
            return Self::new(date, (0, 0, 0), 0);
        };
        let (time, fraction) = match time.split_once('.') {
            Some((time, fraction)) => (time, Some(fraction)),
            None => (time, None),
        };
        let [hour, minute, second] = parts(time, ':')?;
        let mut micros = 0;
        if let Some(digits) = fraction {
            if !(1..=6).contains(&digits.len()) || !is_number(digits) {
                return None;
            }
            micros = digits.parse::<u32>().ok()? * 10u32.pow(6 - digits.len() as u32);
        }
        Self::new(date, (short(hour)?, short(minute)?, short(second)?), micros)
    }

    /// The date alone, as text.
    pub fn date_text(self) -> String {
        let (y, m, d) = self.date;
        format!("{y:04}-{m:02}-{d:02}")
    }

    /// Date and time with `fsp` fractional digits, as the server prints it.
    pub fn text(self, fsp: u8) -> String {
        let s = self.micros / 1_000_000;
        let (h, m, s) = (s / 3600, s / 60 % 60, s % 60);
        let mut out = format!("{} {h:02}:{m:02}:{s:02}", self.date_text());
        if fsp > 0 {
            let frac = format!("{:06}", self.micros % 1_000_000);
            out.push('.');
            out.push_str(&frac[..usize::from(fsp.min(6))]);
        }
        out
    }

    /// True if no digit is lost with `fsp` fractional digits.
    pub fn fits(self, fsp: u8) -> bool {
        self.micros
            .is_multiple_of(10u64.pow(6 - u32::from(fsp.min(6))))
    }
}

/// Three numbers with a character between them.
fn parts(text: &str, between: char) -> Option<[&str; 3]> {
    let mut parts = text.split(between);
    let three = [parts.next()?, parts.next()?, parts.next()?];
    let all = parts.next().is_none() && three.iter().all(|p| is_number(p));
    all.then_some(three)
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// A number of one or two digits.
fn short(text: &str) -> Option<u8> {
    (text.len() <= 2).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_real_dates_with_all_their_parts() {
        let d = DateTime::parse("2026-02-28 23:59:59.5").unwrap();
        assert_eq!(d.text(3), "2026-02-28 23:59:59.500");
        assert!(d.fits(1) && !d.fits(0));
        assert!(DateTime::parse("2024-02-29").is_some());
        assert_eq!(DateTime::parse("2026-2-3"), DateTime::parse("2026-02-03"));
        let loose = DateTime::parse("2026-2-3T1:2:3");
        assert_eq!(loose, DateTime::parse("2026-02-03 01:02:03"));
        for bad in [
            "2026-02-29",
            "26-02-03",
            "20260101",
            "0000-00-00",
            "2026-001-01",
            "2026-01-01 1",
            "2026-01-01  1:2:3",
            "2026-01-01 1:2:3.",
            "2026-01-0\u{661}",
        ] {
            assert_eq!(DateTime::parse(bad), None, "{bad}");
        }
        assert!(DateTime::parse("2026-01-02") < DateTime::parse("2026-01-02 00:00:01"));
    }
}
