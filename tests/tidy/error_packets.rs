//! Errors for clients come from the catalogue, and become packets in one place.

use crate::source::sources;

/// Where an ERR packet may be made: the codec itself, and the proxy's edge.
const EDGE: [&str; 2] = ["wire/src/reply.rs", "proxy/src/session/stop.rs"];

#[test]
fn err_packets_are_made_in_one_place() {
    let mut edges = 0;
    for s in sources() {
        let path = s.path.display().to_string();
        let begin = s.tests_begin();
        let code = s.code.lines().take(begin);
        let made = code.filter(|l| l.contains("ErrPacket::new(")).count();
        match EDGE.contains(&path.as_str()) {
            true => edges += made,
            false => assert_eq!(made, 0, "{path} makes an ERR packet; see errors/src/lib.rs"),
        }
    }
    assert_eq!(edges, 1, "the edge makes them in one function");
}
