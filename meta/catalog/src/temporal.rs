//! Dates and date-times as sharding keys: only the full, canonical spelling is understood.

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

    /// Reads `YYYY-MM-DD` or `YYYY-MM-DD HH:MM:SS[.f]`, nothing shorter or looser.
    pub fn parse(text: &str) -> Option<Self> {
        let b = text.as_bytes();
        let num = |r: std::ops::Range<usize>| -> Option<u32> {
            let s = b.get(r)?;
            s.iter().all(u8::is_ascii_digit).then_some(())?;
            Some(s.iter().fold(0, |n, d| n * 10 + u32::from(d - b'0')))
        };
        let is = |i: usize, c: u8| (b.get(i) == Some(&c)).then_some(());
        is(4, b'-')?;
        is(7, b'-')?;
        let date = (num(0..4)? as u16, num(5..7)? as u8, num(8..10)? as u8);
        if b.len() == 10 {
            return Self::new(date, (0, 0, 0), 0);
        }
        is(10, b' ')?;
        is(13, b':')?;
        is(16, b':')?;
        let time = (num(11..13)? as u8, num(14..16)? as u8, num(17..19)? as u8);
        let mut micros = 0;
        if b.len() > 19 {
            is(19, b'.')?;
            let digits = b.len() - 20;
            if !(1..=6).contains(&digits) {
                return None;
            }
            micros = num(20..b.len())? * 10u32.pow(6 - digits as u32);
        }
        Self::new(date, time, micros)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_real_dates_in_full_spelling() {
        let d = DateTime::parse("2026-02-28 23:59:59.5").unwrap();
        assert_eq!(d.text(3), "2026-02-28 23:59:59.500");
        assert!(d.fits(1) && !d.fits(0));
        assert!(DateTime::parse("2024-02-29").is_some());
        for bad in [
            "2026-02-29",
            "2026-2-3",
            "20260101",
            "0000-00-00",
            "2026-01-01T00:00:00",
            "2026-01-01 1",
        ] {
            assert_eq!(DateTime::parse(bad), None, "{bad}");
        }
        assert!(DateTime::parse("2026-01-02") < DateTime::parse("2026-01-02 00:00:01"));
    }
}
