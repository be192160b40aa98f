//! Exact arithmetic on decimal numbers as text, as servers do it.

use std::cmp::Ordering;

/// Digits that servers keep in one word of a decimal.
const WORD_DIGITS: usize = 9;

/// A decimal number: sign, digits, and how many of these stand behind the point.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Decimal {
    negative: bool,
    /// Values 0 to 9, without zeros in front.
    digits: Vec<u8>,
    scale: usize,
}

impl Decimal {
    /// Reads what a server prints; `None` if it is something else.
    pub(super) fn parse(text: &[u8]) -> Option<Self> {
        let (negative, rest) = match text {
            [b'-', rest @ ..] => (true, rest),
            rest => (false, rest),
        };
        let mut out = Self {
            negative,
            digits: Vec::with_capacity(rest.len()),
            scale: 0,
        };
        let mut behind_point = false;
        for b in rest {
            match b {
                b'0'..=b'9' => {
                    out.digits.push(b - b'0');
                    out.scale += usize::from(behind_point);
                }
                b'.' if !behind_point => behind_point = true,
                _ => return None,
            }
        }
        (!out.digits.is_empty()).then_some(())?;
        out.trim();
        Some(out)
    }

    fn trim(&mut self) {
        let zeros = self.digits.iter().take_while(|d| **d == 0).count();
        self.digits.drain(..zeros);
        self.negative &= !self.digits.is_empty();
    }

    fn scaled(&self, scale: usize) -> Vec<u8> {
        let mut out = self.digits.clone();
        if !out.is_empty() {
            out.resize(out.len() + scale - self.scale, 0);
        }
        out
    }

    /// The sum.
    pub(super) fn plus(&self, other: &Self) -> Self {
        let scale = self.scale.max(other.scale);
        let (a, b) = (self.scaled(scale), other.scaled(scale));
        let (negative, digits) = match self.negative == other.negative {
            true => (self.negative, add(&a, &b)),
            false if is_less(&a, &b) => (other.negative, subtract(&b, &a)),
            false => (self.negative, subtract(&a, &b)),
        };
        let mut out = Self {
            negative,
            digits,
            scale,
        };
        out.trim();
        out
    }

    /// Divided by a number of rows, with `scale` digits behind the point: cut where servers cut, and then
    /// rounded.
    pub(super) fn average(&self, count: u64, scale: usize) -> Self {
        let up = |n: usize| n.div_ceil(WORD_DIGITS) * WORD_DIGITS;
        let own = up(self.scale);
        let more = scale.saturating_sub(self.scale);
        let cut = up(own + more.saturating_sub(own - self.scale));
        let (mut quotient, mut rest) = (Vec::new(), 0u128);
        for digit in self.scaled(cut.max(self.scale)) {
            rest = rest * 10 + u128::from(digit);
            quotient.push((rest / u128::from(count.max(1))) as u8);
            rest %= u128::from(count.max(1));
        }
        let mut out = Self {
            negative: self.negative,
            digits: quotient,
            scale: cut.max(self.scale),
        };
        out.round(scale);
        out.trim();
        out
    }

    /// Half goes away from zero.
    fn round(&mut self, scale: usize) {
        if scale >= self.scale {
            let more = scale - self.scale;
            self.digits.resize(self.digits.len() + more, 0);
        } else {
            let gone = self.scale - scale;
            // All of its digits may go, and a zero in front of them round up.
            if self.digits.len() < gone {
                let missing = gone - self.digits.len();
                self.digits.splice(0..0, std::iter::repeat_n(0, missing));
            }
            let rest = self.digits.split_off(self.digits.len() - gone);
            if rest.first().is_some_and(|d| *d >= 5) {
                self.digits = add(&self.digits, &[1]);
            }
        }
        self.scale = scale;
    }

    /// Which of two is smaller; digits behind the point that are zeros do not count.
    pub(super) fn compare(&self, other: &Self) -> Ordering {
        let scale = self.scale.max(other.scale);
        let (a, b) = (self.scaled(scale), other.scaled(scale));
        let by_size = a.len().cmp(&b.len()).then_with(|| a.cmp(&b));
        match (self.negative, other.negative) {
            (false, false) => by_size,
            (true, true) => by_size.reverse(),
            (false, true) => Ordering::Greater,
            (true, false) => Ordering::Less,
        }
    }

    /// Digits in front of the point.
    pub(super) fn whole_digits(&self) -> usize {
        self.digits.len().saturating_sub(self.scale)
    }

    /// As a server prints it.
    pub(super) fn text(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.digits.len() + 3);
        if self.negative {
            out.push(b'-');
        }
        let whole = self.whole_digits();
        if whole == 0 {
            out.push(b'0');
        }
        out.extend(self.digits[..whole].iter().map(|d| d + b'0'));
        if self.scale > 0 {
            out.push(b'.');
            let zeros = self.scale - (self.digits.len() - whole);
            out.extend(std::iter::repeat_n(b'0', zeros));
            out.extend(self.digits[whole..].iter().map(|d| d + b'0'));
        }
        out
    }
}

fn is_less(a: &[u8], b: &[u8]) -> bool {
    a.len().cmp(&b.len()).then_with(|| a.cmp(b)).is_lt()
}

fn add(a: &[u8], b: &[u8]) -> Vec<u8> {
    let (mut out, mut carry) = (Vec::new(), 0);
    for i in 0..a.len().max(b.len()) {
        let digit = |d: &[u8]| d.len().checked_sub(i + 1).map_or(0, |at| d[at]);
        let sum = digit(a) + digit(b) + carry;
        out.push(sum % 10);
        carry = sum / 10;
    }
    if carry > 0 {
        out.push(carry);
    }
    out.reverse();
    out
}

/// `a` is not less than `b`.
fn subtract(a: &[u8], b: &[u8]) -> Vec<u8> {
    let (mut out, mut borrow) = (Vec::new(), 0);
    for i in 0..a.len() {
        let digit = |d: &[u8]| d.len().checked_sub(i + 1).map_or(0, |at| d[at]);
        let (from, less) = (digit(a), digit(b) + borrow);
        borrow = u8::from(from < less);
        out.push(from + 10 * borrow - less);
    }
    out.reverse();
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn d(text: &str) -> Decimal {
        Decimal::parse(text.as_bytes()).unwrap()
    }

    fn shown(d: &Decimal) -> String {
        String::from_utf8(d.text()).unwrap()
    }

    #[test]
    fn sums() {
        for (a, b, sum) in [
            ("1.50", "2.75", "4.25"),
            ("-1.50", "1.50", "0.00"),
            ("0.00", "-0.01", "-0.01"),
            ("999", "1", "1000"),
            ("-10", "3", "-7"),
            ("10", "-30.5", "-20.5"),
            (
                "99999999999999999999999999999999999999999999999999",
                "1",
                "100000000000000000000000000000000000000000000000000",
            ),
        ] {
            assert_eq!(shown(&d(a).plus(&d(b))), sum, "{a} + {b}");
            assert_eq!(shown(&d(b).plus(&d(a))), sum, "{b} + {a}");
        }
        assert!(Decimal::parse(b"1e5").is_none() && Decimal::parse(b"").is_none());
    }

    #[test]
    fn averages_are_cut_and_then_rounded() {
        for (sum, count, scale, average) in [
            ("10", 3, 4, "3.3333"),
            ("20", 3, 4, "6.6667"),
            ("-20", 3, 4, "-6.6667"),
            ("1.00", 8, 6, "0.125000"),
            ("0.00", 5, 6, "0.000000"),
            ("0.01", 3, 6, "0.003333"),
            // Nine digits are one word: nothing is left to round by.
            ("2.00000", 3, 9, "0.666666666"),
            ("2.0000", 3, 8, "0.66666667"),
        ] {
            assert_eq!(
                shown(&d(sum).average(count, scale)),
                average,
                "{sum} / {count}"
            );
        }
    }

    #[test]
    fn order() {
        let list = [
            "-100",
            "-2.5",
            "-2",
            "0",
            "0.001",
            "0.01",
            "1",
            "1.5",
            "10",
            "9999999999999999999999",
        ];
        for (i, a) in list.iter().enumerate() {
            for (j, b) in list.iter().enumerate() {
                assert_eq!(d(a).compare(&d(b)), i.cmp(&j), "{a} {b}");
            }
        }
        assert!(d("-0.00") == d("0.00") && d("1.50").compare(&d("1.5")).is_eq());
    }
}
