//! Memory of what is under way in a world, over all its connections.
//!
//! A connection may hold as much as is still free ("dynamic threshold": Choudhury and Hahne,
//! IEEE/ACM Transactions on Networking 6(2), 1998). One slow reader fills its own buffers as it would
//! alone; n of them get a share of limit / (n + 1) each, and so does the next, which is never shut out.

/// Memory that every end may use, however little is free.
const FLOOR: u64 = 64 * 1024;
/// Memory of a piece beside its bytes, from the send buffer to the reader: many small ones take more
/// than their bytes.
const PIECE: u64 = 192;

/// Bytes that all connections hold, and their limit.
#[derive(Debug)]
pub(super) struct Budget {
    limit: u64,
    held: u64,
}

/// Bytes that one end has under way: written by its holder, not yet read by the other end's.
#[derive(Debug, Default)]
pub(super) struct Account {
    bytes: u64,
    held: u64,
    /// Its holder has more, for which there was no room.
    pub starved: bool,
}

impl Budget {
    pub fn new(limit: u64) -> Budget {
        Budget { limit, held: 0 }
    }

    /// Bytes that may be added in one piece.
    pub fn room(&self, account: &Account) -> usize {
        let share = self.limit.saturating_sub(self.held).max(FLOOR);
        share.saturating_sub(account.held + PIECE) as usize
    }

    /// A piece of so many bytes is under way.
    pub fn charge(&mut self, account: &mut Account, bytes: u64) {
        account.bytes += bytes;
        account.held += bytes + PIECE;
        self.held += bytes + PIECE;
    }

    /// So many bytes were read.
    pub fn release(&mut self, account: &mut Account, bytes: u64) {
        // Pieces are cut and joined under way: each byte carries the same part of the rest.
        let part = u128::from(account.held) * u128::from(bytes) / u128::from(account.bytes.max(1));
        let freed = if bytes < account.bytes { part as u64 } else { account.held };
        account.bytes = account.bytes.saturating_sub(bytes);
        account.held -= freed;
        self.held -= freed;
    }

    /// The end is gone.
    pub fn close(&mut self, account: &Account) {
        self.held -= account.held;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes pieces of a size as long as there is room; returns how many bytes went.
    fn fill(budget: &mut Budget, account: &mut Account, piece: usize) -> u64 {
        let before = account.bytes;
        while budget.room(account) >= piece {
            budget.charge(account, piece as u64);
        }
        account.bytes - before
    }

    #[test]
    fn slow_readers_share_what_is_free_and_the_next_is_not_shut_out() {
        let mut budget = Budget::new(64 << 20);
        let mut accounts: Vec<Account> = (0..7).map(|_| Account::default()).collect();
        for account in &mut accounts {
            fill(&mut budget, account, 1_448);
        }
        assert!((32_u64 << 20).abs_diff(accounts[0].held) < 4_096, "{:?}", accounts[0]);
        let mut next = Account::default();
        assert!(fill(&mut budget, &mut next, 1_448) >= FLOOR - 2 * 1_448 - 4_096);
        assert!(budget.held <= budget.limit + 8 * FLOOR, "{budget:?}");
    }

    #[test]
    fn what_was_charged_is_released_whatever_the_pieces() {
        let mut budget = Budget::new(1 << 20);
        let mut account = Account::default();
        for piece in [1, 1_000, 7] {
            budget.charge(&mut account, piece);
        }
        for read in [500, 1, 507] {
            budget.release(&mut account, read);
        }
        assert_eq!((account.bytes, account.held, budget.held), (0, 0, 0));
    }

    #[test]
    fn small_pieces_count_for_more_than_their_bytes() {
        let mut budget = Budget::new(1 << 20);
        let mut account = Account::default();
        let small = fill(&mut budget, &mut account, 1);
        assert!(small * (PIECE + 1) <= 1 << 20, "{small} bytes");
    }
}
