//! Listening sockets and the workers behind them: one thread, one runtime, one socket each.

use crate::auth::handshake;
use crate::buffers::BufferShare;
use crate::server::Shared;
use crate::session::client_io::ClientIo;
use crate::session::{Session, err_packet};
use crate::worker::Worker;
use crate::worker::questions::Question;
use errors::{ClientError, LoginError};
use shard::NetStream;
use socket2::{Domain, Protocol, Socket, Type};
use std::net::{SocketAddr, TcpListener as StdListener};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

/// Connections that the kernel may hold before they are accepted.
const BACKLOG: i32 = 4096;
/// How often a worker looks after its pools.
const HOUSEKEEPING: Duration = Duration::from_secs(5);

/// A socket of its own for each worker, all on one port.
pub(crate) fn bind(address: SocketAddr) -> std::io::Result<StdListener> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// Runs a worker until the proxy closes.
pub(crate) fn run_worker(
    shared: Arc<Shared>,
    index: usize,
    socket: StdListener,
    questions: mpsc::Receiver<Question>,
) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .event_interval(127)
        .build_local(Default::default());
    match runtime {
        Ok(runtime) => runtime.block_on(serve(shared, index, socket, questions)),
        Err(error) => tracing::error!(%error, "a worker has no runtime"),
    }
}

async fn serve(
    shared: Arc<Shared>,
    index: usize,
    socket: StdListener,
    questions: mpsc::Receiver<Question>,
) {
    let listener = match TcpListener::from_std(socket) {
        Ok(l) => l,
        Err(error) => return tracing::error!(%error, "a worker has no listener"),
    };
    let worker = Worker::new(shared.clone(), index);
    worker.clone().start_tasks(HOUSEKEEPING);
    worker.clone().answer(questions);
    let mut last_error_logged = std::time::Instant::now();
    loop {
        let accepted = tokio::select! {
            a = listener.accept() => a,
            () = tokio::time::sleep(Duration::from_millis(200)) => {
                if shared.registry.closing.load(Ordering::Acquire) {
                    break;
                }
                continue;
            }
        };
        match accepted {
            Ok((stream, peer)) => {
                let worker = worker.clone();
                tokio::task::spawn_local(session(worker, stream, peer));
            }
            Err(error) => {
                // Too many open files and the like: wait, others may close theirs.
                if last_error_logged.elapsed() > Duration::from_secs(1) {
                    tracing::warn!(%error, "a client could not be accepted");
                    last_error_logged = std::time::Instant::now();
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }
    // Sessions were told to end; give them a moment to say goodbye.
    for _ in 0..100 {
        if shared.registry.count() == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn session(worker: Rc<Worker>, stream: TcpStream, peer: SocketAddr) {
    let shared = worker.shared.clone();
    let keepalive = Duration::from_secs(shared.config.tcp_keepalive_s);
    let unacknowledged = Duration::from_millis(shared.config.tcp_user_timeout_ms);
    let noticed = shard::net::notice_silence(&stream, keepalive, unacknowledged);
    if stream.set_nodelay(true).is_err() || noticed.is_err() {
        return;
    }
    let write_timeout = Duration::from_secs(shared.config.write_timeout_s);
    let read_timeout = Duration::from_secs(shared.config.read_timeout_s);
    let share = BufferShare::of(shared.buffers.clone());
    let timeouts = (write_timeout, read_timeout);
    let mut io = ClientIo::new(NetStream::Tcp(stream), share, timeouts);
    if shared.registry.is_draining() {
        return refuse(io, LoginError::Drained.into()).await;
    }
    let Some(entered) = shared.registry.enter(peer.to_string(), worker.index) else {
        let max = shared.registry.max();
        return refuse(io, LoginError::TooManyConnections { max }.into()).await;
    };
    let info = entered.info.clone();
    info.set_identity("unauthenticated user", None);
    let limit = Duration::from_millis(shared.config.handshake_timeout_ms);
    let login = Box::pin(handshake::log_in(&mut io, &shared, &entered));
    let logged_in = match tokio::time::timeout(limit, login).await {
        Ok(Ok(l)) => l,
        Ok(Err(None)) | Err(_) => return,
        Ok(Err(Some(error))) => return refuse(io, error).await,
    };
    let session = Session::new(worker, io, info, logged_in);
    session.run().await;
    drop(entered);
}

/// The client learns why it is not let in.
async fn refuse(mut io: ClientIo, error: ClientError) {
    io.put_err(&err_packet(&error));
    let _ = io.flush().await;
}
