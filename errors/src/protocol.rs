//! Commands and packets that break the protocol.

area! {
    "Protocol": ProtocolError

    /// A number that is no command, or one of another protocol version.
    UnknownCommand { byte: u8 } = ER_UNKNOWN_COM_ERROR, Mistake, No: "Unknown command {byte:#04x}";

    /// COM_SET_OPTION switches multi-statements only.
    UnknownOption = ER_UNKNOWN_COM_ERROR, Mistake, No: "Unknown option for COM_SET_OPTION";

    /// The command's fields end before they should. The session goes on.
    Malformed = ER_MALFORMED_PACKET, Mistake, No: "Malformed communication packet";

    /// Packets were lost or made up. The session ends.
    PacketsOutOfOrder { got: u8, expected: u8 } = ER_NET_PACKETS_OUT_OF_ORDER, Mistake, No:
        "Got packets out of order: sequence number {got}, expected {expected}";

    /// The limit is proxy.max_allowed_packet_bytes, and less before the login. The session ends.
    PacketTooLarge { bytes: usize, max: usize } = ER_NET_PACKET_TOO_LARGE, Mistake, No:
        "Got a packet bigger than 'max_allowed_packet' bytes: at least {bytes}, where {max} are allowed";

    /// Statements that come in take memory until they are run. The session ends.
    BuffersFull { bytes: usize, used: usize, max: usize } = ER_OUT_OF_RESOURCES, Unavailable, Later:
        "no room for a statement of at least {bytes} bytes: those of all clients hold {used} of {max} \
         (proxy.client_buffers_bytes); repeat it later, or send less at once";

    /// The compressed protocol's frame does not hold what it says. The session ends.
    Uncompress { detail: String } = ER_NET_UNCOMPRESS_ERROR, Mistake, No:
        "Couldn't uncompress communication packet: {detail}";
}
