//! Everything that reads packets after the login: no panic, no wrong length, and the same answer however
//! the bytes are cut.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wire::framer::{Control, Expect, Framer, Step};
use wire::packet::{Front, front};

/// The controls that a framer sees and the bytes that it lets pass, when `cut` bytes come at a time.
fn follow(expect: Expect, deprecate_eof: bool, bytes: &[u8], cut: usize) -> (Vec<Control>, usize, bool) {
    let mut framer = Framer::new(expect, deprecate_eof);
    let (mut controls, mut passed, mut buf) = (Vec::new(), 0, Vec::new());
    for chunk in bytes.chunks(cut.max(1)) {
        buf.extend_from_slice(chunk);
        loop {
            if framer.is_done() {
                return (controls, passed, true);
            }
            if framer.wants_file() {
                framer.file_sent();
            }
            match framer.step(&mut buf) {
                Ok(Step::Pass(n)) => {
                    assert!(n > 0 && n <= buf.len());
                    passed += n;
                    buf.drain(..n);
                }
                Ok(Step::Control(c, n)) => {
                    assert!(n > 0 && n <= buf.len());
                    controls.push(c);
                    passed += n;
                    buf.drain(..n);
                }
                Ok(Step::Need) => break,
                Err(_) => return (controls, passed, false),
            }
        }
    }
    (controls, passed, framer.is_done())
}

fuzz_target!(|data: &[u8]| {
    let [choice, cut, bytes @ ..] = data else { return };
    let expect = match choice & 3 {
        0 if choice & 8 != 0 => Expect::Cursor,
        0 => Expect::Result,
        1 => Expect::Prepare,
        2 => Expect::Rows,
        _ => Expect::Columns,
    };
    let deprecate = choice & 4 != 0;
    let whole = follow(expect, deprecate, bytes, bytes.len());
    let cut = follow(expect, deprecate, bytes, usize::from(*cut));
    assert_eq!(whole.0, cut.0);
    assert_eq!(whole.2, cut.2);
    match front(bytes, choice >> 3, 1 << 20) {
        Ok(Front::Whole { payload, consumed, .. }) => {
            assert!(consumed <= bytes.len() && payload.end <= consumed);
        }
        Ok(Front::Joined { consumed, .. }) => assert!(consumed <= bytes.len()),
        _ => {}
    }
    if let Ok(told) = wire::session_state::for_client(bytes) {
        assert!(wire::session_state::entries(&told).is_ok());
    }
    let mut out = Vec::new();
    if let Ok(Some((used, _))) = wire::compress::take_frame(bytes, &mut out) {
        assert!(used <= bytes.len());
    }
    let _ = wire::reply::OkPacket::decode(bytes, true);
    let _ = wire::reply::OkPacket::decode(bytes, false);
    let _ = wire::reply::ErrPacket::decode(bytes);
    let _ = wire::column::decode_text_row(bytes, usize::from(*choice));
    let _ = wire::command::prepare::PrepareOk::decode(bytes);
    if let Ok(column) = wire::column::ResultColumn::decode(bytes) {
        let mut again = Vec::new();
        column.encode(&mut again, wire::caps::MARIADB_CLIENT_EXTENDED_METADATA);
        assert_eq!(wire::column::ResultColumn::decode(&again).ok(), Some(column));
    }
    let params = usize::from(*choice % 9);
    if let Ok(e) = wire::command::execute::Execute::decode(bytes, params) {
        if let Some(types) = e.types {
            let long = |i| i == 2;
            let list = wire::command::execute::locate_params(e.null_bitmap, types, e.values, long);
            if let Ok(list) = list {
                for p in &list {
                    let _ = p.value(e.values);
                }
            }
        }
    }
});
