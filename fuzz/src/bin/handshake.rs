//! The login packets of both directions: no panic, and what is read is written back the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wire::caps::*;
use wire::handshake::*;

fuzz_target!(|data: &[u8]| {
    if let Ok(g) = Greeting::decode(data) {
        let mut again = Vec::new();
        g.encode(&mut again);
        let _ = Greeting::decode(&again);
    }
    if let Ok(switch) = AuthSwitch::decode(data) {
        let mut again = Vec::new();
        switch.encode(&mut again);
        assert!(AuthSwitch::decode(&again).is_ok());
    }
    match FirstPacket::decode(data) {
        Ok(FirstPacket::Response(mut r)) => {
            // Written as our own client side writes it: with flags for what is there.
            let there = [
                (CLIENT_CONNECT_WITH_DB, r.database.is_some()),
                (CLIENT_PLUGIN_AUTH, r.plugin.is_some()),
                (CLIENT_PLUGIN_AUTH_LENENC, true),
                (CLIENT_SSL, false),
            ];
            for (flag, on) in there {
                r.capabilities = if on { r.capabilities | flag } else { r.capabilities & !flag };
            }
            let mut again = Vec::new();
            r.encode(&mut again);
            match FirstPacket::decode(&again) {
                Ok(FirstPacket::Response(second)) => {
                    assert_eq!((&r.user, &r.auth), (&second.user, &second.auth));
                    assert_eq!((&r.database, &r.plugin), (&second.database, &second.plugin));
                }
                other => panic!("{other:?} from {r:?}"),
            }
        }
        Ok(FirstPacket::Tls { .. }) | Err(_) => {}
    }
    if let [a, b, c, d, rest @ ..] = data {
        let _ = wire::command::change_user::decode(rest, u32::from_le_bytes([*a, *b, *c, *d]).into());
    }
});
