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
    PacketsOutOfOrder { detail: String } = ER_NET_PACKETS_OUT_OF_ORDER, Mistake, No: "{detail}";

    /// Longer than proxy.max_allowed_packet_bytes. The session ends.
    PacketTooLarge { detail: String } = ER_NET_PACKET_TOO_LARGE, Mistake, No: "{detail}";

    /// The compressed protocol's frame does not hold what it says. The session ends.
    Uncompress { detail: String } = ER_NET_UNCOMPRESS_ERROR, Mistake, No: "{detail}";
}
