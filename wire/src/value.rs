//! Parameter values of the binary protocol, as far as routing has to read them.
//!
//! Source: MySQL "Binary Protocol Value".

use crate::column::column_type as t;
use crate::read::{Malformed, Reader};

/// A parameter, borrowed from the packet.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ParamValue<'a> {
    /// NULL.
    Null,
    /// A signed whole number.
    Int(i64),
    /// An unsigned whole number.
    UInt(u64),
    /// A floating-point number.
    Double(f64),
    /// The digits of a decimal number.
    Decimal(&'a [u8]),
    /// Text.
    Bytes(&'a [u8]),
    /// Bytes that are no text: BLOB and the like.
    Binary(&'a [u8]),
    /// A DATE, DATETIME or TIMESTAMP.
    DateTime {
        /// Year, month, day, hour, minute, second.
        parts: (u16, u8, u8, u8, u8, u8),
        /// Microseconds.
        micros: u32,
        /// True if the type was DATE or only a date was sent.
        date_only: bool,
    },
    /// A TIME; never a sharding key.
    Time,
}

/// Reads one value of wire type `kind` (low byte; bit 15 of the type is `unsigned`).
pub fn read_param<'a>(
    r: &mut Reader<'a>,
    kind: u8,
    unsigned: bool,
) -> Result<ParamValue<'a>, Malformed> {
    Ok(match kind {
        t::NULL => ParamValue::Null,
        t::TINY => {
            let b = r.u8("tiny")?;
            int(unsigned, i64::from(b as i8), u64::from(b))
        }
        t::SHORT | t::YEAR => {
            let v = r.u16("short")?;
            int(unsigned, i64::from(v as i16), u64::from(v))
        }
        t::LONG | t::INT24 => {
            let v = r.u32("long")?;
            int(unsigned, i64::from(v as i32), u64::from(v))
        }
        t::LONGLONG => {
            let v = r.u64("longlong")?;
            int(unsigned, v as i64, v)
        }
        t::FLOAT => ParamValue::Double(f64::from(f32::from_bits(r.u32("float")?))),
        t::DOUBLE => ParamValue::Double(f64::from_bits(r.u64("double")?)),
        t::DATE | t::DATETIME | t::TIMESTAMP => date_time(r, kind)?,
        t::TIME => {
            let n = r.u8("time length")?;
            r.bytes(n.into(), "time")?;
            ParamValue::Time
        }
        t::DECIMAL | t::NEWDECIMAL => ParamValue::Decimal(r.lenenc_bytes("decimal parameter")?),
        t::BIT | t::TINY_BLOB..=t::BLOB | t::GEOMETRY => {
            ParamValue::Binary(r.lenenc_bytes("binary parameter")?)
        }
        t::VARCHAR | t::JSON..=t::GEOMETRY => {
            ParamValue::Bytes(r.lenenc_bytes("string parameter")?)
        }
        _ => return Err(Malformed("parameter type")),
    })
}

fn int(unsigned: bool, s: i64, u: u64) -> ParamValue<'static> {
    if unsigned {
        ParamValue::UInt(u)
    } else {
        ParamValue::Int(s)
    }
}

fn date_time(r: &mut Reader<'_>, kind: u8) -> Result<ParamValue<'static>, Malformed> {
    let n = r.u8("date length")?;
    let mut d = Reader::new(r.bytes(n.into(), "date")?);
    let (mut parts, mut micros) = ((0, 0, 0, 0, 0, 0), 0);
    if n >= 4 {
        (parts.0, parts.1, parts.2) = (d.u16("year")?, d.u8("month")?, d.u8("day")?);
    }
    if n >= 7 {
        (parts.3, parts.4, parts.5) = (d.u8("hour")?, d.u8("minute")?, d.u8("second")?);
    }
    if n >= 11 {
        micros = d.u32("micros")?;
    }
    if !matches!(n, 0 | 4 | 7 | 11) {
        return Err(Malformed("date length"));
    }
    Ok(ParamValue::DateTime {
        parts,
        micros,
        date_only: kind == t::DATE,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(kind: u8, unsigned: bool, bytes: &[u8]) -> Result<ParamValue<'_>, Malformed> {
        read_param(&mut Reader::new(bytes), kind, unsigned)
    }

    #[test]
    fn numbers_keep_their_sign() {
        assert_eq!(read(t::TINY, false, &[0xff]), Ok(ParamValue::Int(-1)));
        assert_eq!(read(t::TINY, true, &[0xff]), Ok(ParamValue::UInt(255)));
        assert_eq!(
            read(t::LONGLONG, true, &[0xff; 8]),
            Ok(ParamValue::UInt(u64::MAX))
        );
        assert!(read(t::LONG, false, &[1, 2]).is_err());
    }

    #[test]
    fn dates_and_strings() {
        let d = read(t::DATETIME, false, &[7, 0xea, 7, 1, 2, 3, 4, 5]).unwrap();
        let want = ParamValue::DateTime {
            parts: (2026, 1, 2, 3, 4, 5),
            micros: 0,
            date_only: false,
        };
        assert_eq!(d, want);
        assert!(read(t::DATETIME, false, &[5, 1, 1, 1, 1, 1]).is_err());
        assert_eq!(
            read(t::VAR_STRING, false, b"\x02ab"),
            Ok(ParamValue::Bytes(b"ab"))
        );
        assert!(read(t::VAR_STRING, false, b"\x05ab").is_err());
        assert!(read(0x20, false, b"").is_err());
    }
}
