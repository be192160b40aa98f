//! Rows are read as they were written, and lies are refused.

use super::*;
use crate::caps::CLIENT_DEPRECATE_EOF;
use crate::resultset::{ResultSet, RowFormat};

fn answer(deprecate_eof: bool) -> Vec<u8> {
    let mut set = ResultSet::with_text_columns(&["a", "b"]);
    set.row(["1", "one"]);
    set.rows.push(vec![None, Some(String::new())]);
    set.row(["\u{fe}x", "three"]);
    let mut out = Vec::new();
    let caps = if deprecate_eof {
        CLIENT_DEPRECATE_EOF
    } else {
        0
    };
    set.encode(&mut out, &mut 1, caps, 2, RowFormat::Text);
    out
}

/// All items, with the answer coming in pieces of `size` bytes.
fn items(bytes: &[u8], deprecate_eof: bool, size: usize) -> Vec<RowEvent> {
    let mut reader = RowReader::new(deprecate_eof, 1 << 30);
    let (mut buf, mut out) = (Vec::new(), Vec::new());
    for piece in bytes.chunks(size) {
        buf.extend_from_slice(piece);
        loop {
            let (item, taken) = reader.step(&buf).unwrap();
            let item = match item {
                RowEvent::Row(RowBytes::At(range)) => {
                    RowEvent::Row(RowBytes::Joined(buf[range].to_vec()))
                }
                item => item,
            };
            buf.drain(..taken);
            match item {
                RowEvent::Need(_) => break,
                item => out.push(item),
            }
            if reader.is_done() {
                break;
            }
        }
    }
    assert!(reader.is_done() && buf.is_empty());
    assert_eq!(reader.columns.len(), 2);
    out
}

#[test]
fn an_answer_reads_alike_however_it_is_cut() {
    for deprecate_eof in [false, true] {
        let bytes = answer(deprecate_eof);
        let whole = items(&bytes, deprecate_eof, bytes.len());
        assert_eq!(whole.len(), 5);
        assert_eq!(whole[0], RowEvent::Columns);
        assert!(matches!(&whole[4], RowEvent::End(end) if end.status == 2));
        for size in 1..bytes.len() {
            assert_eq!(items(&bytes, deprecate_eof, size), whole, "{size}");
        }
    }
}

#[test]
fn errors_and_answers_without_rows() {
    let mut err = Vec::new();
    let packet = ErrPacket::new(1146, "42S02", "no table");
    crate::packet::put_packet_with(&mut err, &mut 1, |b| packet.encode(b));
    let mut reader = RowReader::new(true, 1 << 20);
    assert_eq!(reader.step(&err), Ok((RowEvent::Err(packet), err.len())));
    let mut ok = Vec::new();
    let packet = OkPacket {
        affected_rows: 3,
        ..Default::default()
    };
    crate::packet::put_packet_with(&mut ok, &mut 1, |b| packet.encode(b, 0, 0));
    let mut reader = RowReader::new(true, 1 << 20);
    assert_eq!(reader.step(&ok), Ok((RowEvent::Ok(packet), ok.len())));
    assert!(reader.is_done() && reader.step(&ok).is_err());
}

#[test]
fn long_rows_are_joined_up_to_the_limit() {
    let mut bytes = Vec::new();
    let mut seq = 1;
    crate::packet::put_packet(&mut bytes, &mut seq, &[1]);
    let column = ResultColumn::text("a", 10);
    crate::packet::put_packet_with(&mut bytes, &mut seq, |b| column.encode(b, 0));
    let long = vec![b'x'; crate::MAX_PAYLOAD + 10];
    let mut row = Vec::new();
    crate::read::put_lenenc_bytes(&mut row, &long);
    crate::packet::put_packet(&mut bytes, &mut seq, &row);
    let mut reader = RowReader::new(true, 1 << 25);
    let (item, taken) = reader.step(&bytes).unwrap();
    assert_eq!(item, RowEvent::Columns);
    let (item, _) = reader.step(&bytes[taken..]).unwrap();
    assert!(matches!(item, RowEvent::Row(RowBytes::Joined(joined)) if joined == row));
    let mut strict = RowReader::new(true, 1000);
    let (_, taken) = strict.step(&bytes).unwrap();
    assert!(strict.step(&bytes[taken..]).is_err());
}
