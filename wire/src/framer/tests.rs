//! The framer must find the same ends however the bytes are cut.

use super::*;
use crate::column::ResultColumn;
use crate::command::prepare::Prepared;
use crate::packet::{put_packet, put_packet_with};
use crate::reply::ErrPacket;
use crate::resultset::{ResultSet, RowFormat};

/// Feeds `bytes` in pieces of `piece`; returns passed bytes, controls and whether it ended.
fn feed(mut f: Framer, bytes: &[u8], piece: usize) -> (Vec<u8>, Vec<Control>, Framer) {
    let (mut passed, mut controls, mut carry) = (Vec::new(), Vec::new(), Vec::new());
    for chunk in bytes.chunks(piece) {
        carry.extend_from_slice(chunk);
        loop {
            match f.step(&mut carry).unwrap() {
                Step::Pass(n) => passed.extend(carry.drain(..n)),
                Step::Control(c, n) => {
                    controls.push(c);
                    passed.extend(carry.drain(..n));
                }
                Step::Need => break,
            }
            if f.is_done() {
                break;
            }
        }
    }
    assert!(carry.is_empty(), "left over: {carry:?}");
    (passed, controls, f)
}

fn result(caps: u64, status: u16) -> Vec<u8> {
    let mut set = ResultSet::with_text_columns(&["a", "b"]);
    set.row(["1", "x"]);
    set.row(["2", ""]);
    let (mut out, mut seq) = (Vec::new(), 1);
    set.encode(&mut out, &mut seq, caps, status, RowFormat::Text);
    out
}

#[test]
fn result_sets_end_where_they_end() {
    for (caps, deprecate) in [(0, false), (CLIENT_DEPRECATE_EOF, true)] {
        let bytes = result(caps, 2);
        for piece in [1, 2, 3, 7, 1000] {
            let (passed, controls, f) = feed(Framer::new(Expect::Result, deprecate), &bytes, piece);
            assert_eq!(passed, bytes);
            assert!(f.is_done());
            assert_eq!((f.rows, f.status), (2, 2));
            assert_eq!(controls.last(), Some(&Control::RowsEnd));
        }
    }
}

#[test]
fn several_results_and_an_error() {
    let mut bytes = result(CLIENT_DEPRECATE_EOF, SERVER_MORE_RESULTS_EXISTS);
    let mut seq = 9;
    put_packet_with(&mut bytes, &mut seq, |b| {
        ErrPacket::new(1064, "42000", "no").encode(b)
    });
    for piece in [1, 5, 1000] {
        let (_, controls, f) = feed(Framer::new(Expect::Result, true), &bytes, piece);
        assert_eq!(controls, [Control::RowsEnd, Control::Err]);
        assert!(f.is_done());
    }
}

#[test]
fn prepare_answers_of_every_shape() {
    let def = || {
        let mut b = Vec::new();
        ResultColumn::text("a", 1).encode(&mut b, 0);
        b
    };
    for (p, c) in [
        (0, 0),
        (1, 0),
        (0, 1),
        (2, 3),
        (65_535, 2),
        (0, 65_535),
        (65_535, 65_535),
    ] {
        for deprecate in [true, false] {
            let mk = |n| (0..n).map(|_| def()).collect();
            let answer = Prepared {
                id: 1,
                params: mk(p),
                columns: mk(c),
                warnings: 0,
            };
            let (mut bytes, mut seq) = (Vec::new(), 1);
            answer.encode(&mut bytes, &mut seq, 1, deprecate, 2);
            for piece in [1, 6, 1000].into_iter().filter(|n| *n > 1 || p < 100) {
                let (passed, _, f) = feed(Framer::new(Expect::Prepare, deprecate), &bytes, piece);
                assert_eq!(passed, bytes);
                assert!(f.is_done(), "{p} {c} {deprecate} {piece}");
            }
        }
    }
}

#[test]
fn a_row_of_more_than_16_mib_is_one_row() {
    let mut bytes = Vec::new();
    let mut seq = 1;
    put_packet(&mut bytes, &mut seq, &[1]);
    put_packet_with(&mut bytes, &mut seq, |b| {
        ResultColumn::text("a", 1).encode(b, 0)
    });
    let mut row = vec![0xfe];
    row.extend_from_slice(&(MAX_PAYLOAD as u64 + 100).to_le_bytes());
    row.resize(row.len() + MAX_PAYLOAD + 100, 0xff);
    put_packet(&mut bytes, &mut seq, &row);
    put_packet_with(&mut bytes, &mut seq, |b| {
        OkPacket {
            status: 2,
            ..Default::default()
        }
        .encode(b, 0xfe, 0)
    });
    for piece in [65_536, 1 << 24] {
        let (passed, _, f) = feed(Framer::new(Expect::Result, true), &bytes, piece);
        assert!(passed == bytes && f.is_done());
        assert_eq!(f.rows, 1);
    }
}

#[test]
fn numbers_are_rewritten() {
    let bytes = result(CLIENT_DEPRECATE_EOF, 2);
    let mut f = Framer::new(Expect::Result, true);
    f.renumber_from(40);
    let (passed, _, f) = feed(f, &bytes, 3);
    assert_eq!(passed[3], 40);
    assert_eq!(f.next_seq(), 40 + 6);
    assert_eq!(passed.len(), bytes.len());
}

#[test]
fn lies_are_errors_not_panics() {
    for bad in [
        &[0, 0, 0, 1][..],
        &[1, 0, 0, 1, 0x00],
        &[2, 0, 0, 1, 0xfc, 1],
    ] {
        let mut buf = bad.to_vec();
        let mut f = Framer::new(Expect::Result, true);
        assert!(
            !matches!(f.step(&mut buf), Ok(Step::Control(..))),
            "{bad:?}"
        );
    }
}

#[test]
fn a_pause_parts_columns_from_rows_however_bytes_are_cut() {
    for (caps, deprecate) in [(0, false), (CLIENT_DEPRECATE_EOF, true)] {
        let bytes = result(caps, 2);
        for piece in 1..bytes.len() {
            let mut f = Framer::new(Expect::Result, deprecate);
            f.pause_at_rows();
            let (mut rows, mut carry) = (Vec::new(), Vec::new());
            for chunk in bytes.chunks(piece) {
                carry.extend_from_slice(chunk);
                loop {
                    let before = f.is_in_rows();
                    match f.step(&mut carry).unwrap() {
                        Step::Need => break,
                        Step::Control(_, n) => drop(carry.drain(..n)),
                        Step::Pass(n) if before => rows.extend(carry.drain(..n)),
                        Step::Pass(n) => drop(carry.drain(..n)),
                    }
                    if f.is_done() {
                        break;
                    }
                }
            }
            // Two rows: ("1", "x") and ("2", "").
            assert_eq!(rows.len(), 4 + 4 + 4 + 3, "{deprecate} {piece}");
        }
    }
}

#[test]
fn an_empty_packet_is_an_error_whatever_comes_behind_it() {
    for behind in [&[][..], &[0xff], &[0xff, 0xff, 0xff]] {
        let mut bytes = vec![0, 0, 0, 1];
        bytes.extend_from_slice(behind);
        assert!(Framer::new(Expect::Result, true).step(&mut bytes).is_err());
    }
}
