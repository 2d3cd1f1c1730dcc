//! Envelopes: what two pages say to each other in encryption. The server passes them on and understands nothing of
//! them; they wait for nobody, because the keys end with the pages.

use super::{Room, answer_to};
use crate::chat::message::{ClientId, Delivery, Event, Name, Refusal};

/// Bytes of an envelope beside its text, which is in Base64 with 16 bytes of a tag.
const AROUND: usize = 256;

impl Room {
    /// A person's client opens envelopes; others get none.
    pub fn opens_envelopes(&mut self, client: ClientId) {
        self.members.get_mut(&client).into_iter().for_each(|member| member.opens_envelopes = true);
    }

    /// Gives an envelope to one person, who otherwise reads, once of each author, that somebody has tried.
    pub(super) fn seal(
        &mut self,
        client: ClientId,
        from: Name,
        to: &str,
        envelope: Name,
        out: &mut Vec<Delivery>,
    ) -> Result<(), Refusal> {
        let person = self.find(to).and_then(|other| Some((other, self.members.get(&other)?)));
        let (other, member) = person.ok_or_else(|| Refusal::NoSuchPerson(to.into()))?;
        if envelope.len() > self.rules.text_bytes.div_ceil(3).saturating_mul(4).saturating_add(AROUND) {
            return Err(Refusal::TextTooLong);
        }
        if !member.opens_envelopes {
            let nick = member.nick.clone();
            if self.members.get_mut(&client).is_some_and(|author| author.tried.insert(other)) {
                let text =
                    format!("{from} has tried to write to you in encryption, which only the web page reads");
                answer_to(other, Event::Notice { text: text.into() }, out);
            }
            return Err(Refusal::OpensNothing(nick));
        }
        answer_to(client, Event::SealedTo(member.nick.clone()), out);
        answer_to(other, Event::Sealed(from, envelope), out);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{ALICE, BOB, ask, three};
    use super::*;
    use crate::chat::message::Request;
    use crate::chat::room::Rules;

    fn seal(to: &str, bytes: usize) -> Request {
        Request::Seal { to: to.to_owned(), envelope: "x".repeat(bytes).into() }
    }

    #[test]
    fn an_envelope_goes_to_one_person_as_it_is_if_that_opens_it() {
        let mut room = three(Rules { text_bytes: 300, ..Rules::default() });
        room.opens_envelopes(BOB);
        let sealed = Event::Sealed("alice".into(), "x".repeat(656).into());
        let expected = [(vec![ALICE.0], Event::SealedTo("bob".into())), (vec![BOB.0], sealed)];
        assert_eq!(ask(&mut room, ALICE, seal("Bob", 656)), expected);
        let refused = |refusal| [(vec![ALICE.0], Event::Refused(refusal))];
        assert_eq!(ask(&mut room, ALICE, seal("bob", 657)), refused(Refusal::TextTooLong));
        assert_eq!(ask(&mut room, ALICE, seal("dave", 1)), refused(Refusal::NoSuchPerson("dave".into())));
    }

    #[test]
    fn one_that_opens_none_reads_a_line_and_the_author_is_refused() {
        let mut room = three(Rules::default());
        let heard = ask(&mut room, BOB, seal("alice", 10));
        assert!(
            matches!(&heard[0], (to, Event::Notice { text }) if *to == [ALICE.0] && text.starts_with("bob has"))
        );
        let refused = Event::Refused(Refusal::OpensNothing("alice".into()));
        assert_eq!(heard[1], (vec![BOB.0], refused.clone()));
        // Once: an author cannot fill its window.
        assert_eq!(ask(&mut room, BOB, seal("alice", 10)), [(vec![BOB.0], refused)]);
    }
}
