//! `video`: chunks over TCP, and a buffer that they are played from.

use super::{Declared, Demand, Member, Stage};
use crate::app::App;
use crate::app::video::Rule;
use crate::app::web::{Web, WebServer};
use crate::facts::{Direction, Measure};
use crate::scenario::form::{Each, Maybe, Words};
use crate::scenario::quantity::{PositiveSpan, Rate as Speed};
use crate::scenario::reader::Reader;
use crate::scenario::visit::Visitor;
use crate::time::Duration;
use crate::units::Rate;

pub use crate::app::video::Video;

/// Bitrates of which nothing is said, in kbit/s: the ladder that Netflix had for all titles until 2015.
const USUAL_LADDER: [u64; 10] = [235, 375, 560, 750, 1050, 1750, 2350, 3000, 4300, 5800];

const RULES: &[(&str, Rule)] = &[("bba", Rule::Buffer), ("rate", Rule::Throughput), ("bola", Rule::Utility)];

impl Declared for Video {
    const NAME: &'static str = "video";
    const SUMMARY: &'static str = "chunks of video at bitrates that a rule chooses, played from a buffer; \
                                   bitrate, stalls, start-up delay";

    fn usual() -> Video {
        let seconds = Duration::from_secs;
        Video {
            chunk: seconds(4),
            ladder: USUAL_LADDER.iter().filter_map(|kbit| Rate::from_bits_per_second(kbit * 1000)).collect(),
            buffer: seconds(30),
            startup: seconds(4),
            rule: Rule::Buffer,
            length: None,
        }
    }

    fn keys<V: Visitor>(v: &mut V, video: &mut Video) {
        v.key("chunk", &mut video.chunk, PositiveSpan, "media in a chunk");
        v.key("ladder", &mut video.ladder, Each(Speed), "the bitrates to choose from, rising");
        v.key("buffer", &mut video.buffer, PositiveSpan, "media that the player's buffer holds");
        let startup = "media with which playback begins, and goes on after a stall";
        v.key("startup", &mut video.startup, PositiveSpan, startup);
        let rule = "chooses a chunk's bitrate: by the buffer (BBA-0), by the throughput, or by both as utility (BOLA)";
        v.key("rule", &mut video.rule, Words(RULES), rule);
        let length = "how long the video is; without it, until the end of the trial";
        v.key("length", &mut video.length, Maybe(PositiveSpan), length);
        let video = video.clone();
        v.check(move |reader| check(reader, &video));
    }

    fn measures(&self) -> &'static [Measure] {
        &[Measure::Video]
    }

    fn directions(&self) -> &'static [Direction] {
        &[Direction::Down, Direction::Up]
    }

    fn demand(&self) -> Demand {
        // No faster than it is played, but for a buffer that fills.
        Demand::Paced(self.ladder.last().map_or(0.0, |top| top.bits_per_second() as f64 / 8.0 / 1448.0))
    }

    fn client(&self, _: &mut Stage<'_>, member: &Member<'_>) -> Box<dyn App> {
        Box::new(Video::client(self, member.name))
    }

    fn server(&self, _: &mut Stage<'_>, _: &Member<'_>) -> Option<Box<dyn App>> {
        Some(Box::new(WebServer::default()))
    }

    fn record_interval(&self) -> Option<Duration> {
        Some(self.chunk)
    }

    fn is_random(&self) -> bool {
        false
    }
}

/// Refuses ladders that do not rise, chunks that are no objects, and buffers that cannot fill.
fn check(reader: &mut Reader, video: &Video) {
    let at = |reader: &Reader, key: &str| reader.get(key).map(|node| node.place);
    if let Some(place) = at(reader, "ladder") {
        if video.ladder.is_empty() {
            reader.error(
                place,
                "the ladder has no bitrate",
                "name one or more, such as [\"1mbit\", \"3mbit\"]",
            );
        } else if video.ladder.windows(2).any(|pair| pair[0] >= pair[1]) {
            reader.error(place, "the bitrates of the ladder do not rise", "sort them, each once");
        }
    }
    let sizes = [video.ladder.first(), video.ladder.last()].map(|rung| rung.map(|rate| video.bytes(*rate)));
    if let ([Some(least), Some(most)], Some(place)) =
        (sizes, at(reader, "chunk").or_else(|| at(reader, "ladder")))
        && (least < HEAD_ROOM || most > Web::MOST)
    {
        let message = format!("chunks would have {least} to {most} bytes");
        let help = format!("they have {HEAD_ROOM} at least, and at most {}", Web::MOST);
        reader.error(place, message, help);
    }
    let needed = video.startup + video.chunk;
    if video.buffer < needed
        && let Some(place) = ["buffer", "startup", "chunk"].into_iter().find_map(|key| at(reader, key))
    {
        let message =
            format!("a buffer of {} never has room for the chunk that playback waits for", video.buffer);
        reader.error(place, message, format!("it must hold `startup` and a chunk more: {needed}"));
    }
}

/// Bytes of the least chunk.
const HEAD_ROOM: u64 = 1;

#[cfg(test)]
mod tests {
    use crate::scenario::testing::{refused, scenario, with};

    #[test]
    fn a_video_has_a_rising_ladder_and_room_for_the_next_chunk() {
        let text = |keys: &str| with("{ kind = \"bulk\" }", &format!("{{ kind = \"video\", {keys} }}"));
        let usual = "chunk = \"4s\", buffer = \"30s\", startup = \"4s\", rule = \"bba\"";
        assert_eq!(scenario(&text(usual)), scenario(&with("{ kind = \"bulk\" }", "{ kind = \"video\" }")));
        let refused = |keys: &str, at: &str, says: &str| refused(&text(keys), 16, at, says, "");
        refused("ladder = []", "[]", "the ladder has no bitrate");
        refused("ladder = [\"2mbit\", \"1mbit\"]", "[\"2mbit\", \"1mbit\"]", "do not rise");
        refused("ladder = [\"1mbit\", \"1mbit\"]", "[\"1mbit\", \"1mbit\"]", "do not rise");
        refused("ladder = [\"1mbit\", \"x\"]", "\"x\"", "");
        refused("startup = \"27s\"", "\"27s\"", "a buffer of 30s never has room");
        refused("chunk = \"16s\", buffer = \"19s\"", "\"19s\"", "a buffer of 19s never has room");
        refused(
            "chunk = \"2000s\", buffer = \"3000s\"",
            "\"2000s\"",
            "chunks would have 58750000 to 1450000000",
        );
        refused("rule = \"bbr\"", "\"bbr\"", "");
    }
}
