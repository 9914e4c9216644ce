//! Details of network events.

use super::super::row::address;
use super::super::sink::Sink;
use super::super::{json, text};
use crate::pml::detail::network::Network;

pub(super) fn send<S: Sink>(network: Network<'_>, sink: &mut S) {
    sink.decimal("Length", "length", network.length.into());
    if !S::TYPED {
        for (name, value) in network.pairs() {
            sink.key("", "");
            // The label is the pair's own name: it takes the place of the empty one.
            let out = sink.out();
            out.truncate(out.len() - 2);
            text::wide(out, name.0);
            out.extend_from_slice(b": ");
            text::wide(out, value.0);
        }
        return;
    }
    sink.word("", "protocol", if network.is_tcp() { "TCP" } else { "UDP" });
    sink.write("", "source_address", |out| address(out, network.source));
    sink.decimal("", "source_port", network.source.port.into());
    sink.write("", "destination_address", |out| address(out, network.destination));
    sink.decimal("", "destination_port", network.destination.port.into());
    sink.key("", "properties");
    let out = sink.out();
    out.push(b'{');
    for (name, value) in network.pairs() {
        json::separate(out);
        json::string(out, |out| text::wide(out, name.0));
        out.push(b':');
        json::string(out, |out| text::wide(out, value.0));
    }
    out.push(b'}');
}
