//! What of a shard's answer goes to the client as it is, and what is changed on its way.

use super::{Part, RelayEnd, RelayOptions};
use crate::session::client_io::ClientIo;
use crate::session::err_packet;
use errors::TransactionError;
use std::task::{Context, Waker};
use wire::caps::*;
use wire::framer::{Control, Framer, Step};
use wire::packet::HEADER_LEN;
use wire::reply::{ErrPacket, OkPacket};

pub(super) enum PassError {
    /// The client is gone.
    Gone,
    /// The server sent what no server sends.
    Malformed(wire::Malformed),
}

pub(super) type Passed = (usize, Result<(), PassError>);

/// Passes what of a buffer makes whole steps; says how many bytes it took.
pub(super) fn pass(
    io: &mut ClientIo,
    framer: &mut Framer,
    options: &RelayOptions,
    end: &mut RelayEnd,
    buf: &mut [u8],
) -> Passed {
    let mut at = 0;
    while !framer.is_done() && !framer.wants_file() {
        let columns_first = !framer.is_in_rows();
        let later = matches!(options.part, Part::Middle | Part::Last);
        let step = match framer.step(&mut buf[at..]) {
            Ok(step) => step,
            Err(e) => return (at, Err(PassError::Malformed(e))),
        };
        match step {
            Step::Need => break,
            Step::Pass(n) => {
                if options.part != Part::Discard && !(columns_first && later) {
                    let mut cx = Context::from_waker(Waker::noop());
                    if io.poll_pass(&mut cx, &buf[at..at + n]).is_err() {
                        return (at, Err(PassError::Gone));
                    }
                }
                end.bytes += n;
                at += n;
                if later && columns_first && framer.is_in_rows() {
                    framer.renumber_from(io.seq);
                }
            }
            Step::Control(control, n) => {
                end.bytes += n;
                let numbered = !(later && columns_first);
                let packet = &buf[at..at + n];
                if let Err(e) = pass_control(io, options, end, control, numbered, packet) {
                    return (at, Err(PassError::Malformed(e)));
                }
                at += n;
                if later && columns_first && framer.is_in_rows() {
                    framer.renumber_from(io.seq);
                }
            }
        }
    }
    (at, Ok(()))
}

/// Passes a packet that ends something, changed where the client must see something else.
fn pass_control(
    io: &mut ClientIo,
    options: &RelayOptions,
    end: &mut RelayEnd,
    control: Control,
    numbered: bool,
    packet: &[u8],
) -> Result<(), wire::Malformed> {
    let payload = &packet[HEADER_LEN..];
    if options.part == Part::Discard {
        if control == Control::Err {
            end.err = Some(ErrPacket::decode(payload)?);
        }
        return Ok(());
    }
    match control {
        Control::Err => {
            let mut err = ErrPacket::decode(payload)?;
            if shard::account::hide(&mut err) {
                shard::account::show_client(&mut err, &io.user.name);
            }
            if options.deadlock.as_ref().is_some_and(|d| d.get()) {
                err = err_packet(&TransactionError::Deadlock.into());
            }
            if numbered {
                io.seq = packet[3];
            }
            io.put_err(&err);
            end.err = Some(err);
        }
        Control::Ok => {
            let mut ok = OkPacket::decode(payload, true)?;
            end.ok = Some(ok.clone());
            note_session_state(end, &mut ok)?;
            ok.status |= options.status_set;
            if let Some(id) = options.insert_id.filter(|_| ok.affected_rows > 0) {
                ok.last_insert_id = id;
            }
            io.seq = packet[3];
            io.put_ok(&ok);
        }
        // The next part goes on with this packet's number.
        Control::RowsEnd if matches!(options.part, Part::First | Part::Middle) => {
            io.seq = packet[3]
        }
        Control::RowsEnd => pass_rows_end(io, options, end, packet)?,
        Control::ColumnsEnd if matches!(options.part, Part::Middle | Part::Last) => {}
        // Statements that ask for one are refused before they are sent.
        Control::Infile if io.capabilities & CLIENT_LOCAL_FILES == 0 => {
            return Err(wire::Malformed(
                "it asks for a file of a client that sends none",
            ));
        }
        // A server says here too that more results follow.
        Control::ColumnsEnd if options.status_set != 0 => {
            let (warnings, status) = wire::reply::decode_eof(payload)?;
            io.seq = packet[3];
            io.put_with(|b| wire::reply::put_eof(b, warnings, status | options.status_set));
        }
        Control::ColumnsEnd | Control::Infile | Control::PrepareOk => {
            io.put_raw(packet);
            io.seq = packet[3].wrapping_add(1);
        }
    }
    Ok(())
}

/// Keeps what a shard says of the session; the client is told less.
fn note_session_state(end: &mut RelayEnd, ok: &mut OkPacket) -> Result<(), wire::Malformed> {
    if !ok.session_state.is_empty() {
        let for_client = wire::session_state::for_client(&ok.session_state)?;
        end.session_state = std::mem::replace(&mut ok.session_state, for_client);
    }
    Ok(())
}

fn pass_rows_end(
    io: &mut ClientIo,
    options: &RelayOptions,
    end: &mut RelayEnd,
    packet: &[u8],
) -> Result<(), wire::Malformed> {
    let payload = &packet[HEADER_LEN..];
    let before = options.warnings_before;
    if payload.len() == 5 {
        let (warnings, status) = wire::reply::decode_eof(payload)?;
        io.seq = packet[3];
        let status = (status | options.status_set) & !SERVER_SESSION_STATE_CHANGED;
        let warnings = warnings.saturating_add(before);
        io.put_with(|b| wire::reply::put_eof(b, warnings, status));
        return Ok(());
    }
    let mut ok = OkPacket::decode(payload, true)?;
    if ok.status & SERVER_SESSION_STATE_CHANGED == 0 && options.status_set == 0 && before == 0 {
        io.put_raw(packet);
        io.seq = packet[3].wrapping_add(1);
        return Ok(());
    }
    note_session_state(end, &mut ok)?;
    ok.status |= options.status_set;
    ok.warnings = ok.warnings.saturating_add(before);
    let caps = io.capabilities;
    io.seq = packet[3];
    io.put_with(|b| ok.encode(b, 0xfe, caps));
    Ok(())
}
