//! Claims that have their tests beside the parts that they are about.

/// Claims on one connection are tested beside it, as the RFCs are.
#[test]
pub(super) fn inner_parts_have_tests_of_their_own() {
    let sending = include_str!("../../../src/tcp/tests/sending.rs");
    let rfc9937 = include_str!("../../../src/tcp/tests/rfc9937.rs");
    for (text, words) in [
        (
            include_str!("../../../src/link/tests/realised.rs"),
            "fn a_table_gives_each_of_its_values_its_share()",
        ),
        (include_str!("../../../src/scenario/law.rs"), "fn the_second_half_of_each_period_is_another_link()"),
        (include_str!("../../../src/tcp/tests/rfc5681.rs"), "fn limited_transmit_sends_two_new_segments()"),
        (
            include_str!("../../../src/traffic.rs"),
            "fn the_published_law_rises_from_0_to_1_and_is_interpolated()",
        ),
        (sending, "fn sixteen_segments_are_acknowledged_at_once()"),
        (sending, "fn pacing_sends_pairs_at_two_windows_a_round_trip_and_later_one_and_a_fifth()"),
        (
            include_str!("../../../src/tcp/tests/rfc3168.rs"),
            "fn a_window_is_reduced_once_for_all_its_marks()",
        ),
        (include_str!("../../../src/tcp/tests/rfc2883.rs"), "RFC 2883"),
        (include_str!("../../../src/tcp/tests/rfc5682.rs"), "RFC 5682"),
        (
            include_str!("../../../src/tcp/tests/rfc5681.rs"),
            "fn after_more_lost_syns_than_tolerated_the_initial_window_is_one_segment()",
        ),
        (sending, "fn a_loss_reduces_the_window_or_what_is_in_flight()"),
        (sending, "fn a_fast_retransmit_reduces_what_is_in_flight_or_in_the_network()"),
        (sending, "fn a_pause_halves_the_window_for_each_timeout_or_restores_the_initial_one()"),
        (rfc9937, "fn without_rack_it_sends_as_with_it()"),
        (rfc9937, "fn without_it_half_a_window_of_acknowledgments_sends_nothing()"),
        (rfc9937, "fn duplicates_counted_twice_send_more()"),
        (include_str!("../../../src/tcp/tests/rfc6675.rs"), "RFC 6675"),
        (include_str!("../../../src/tcp/tests/rfc8985.rs"), "RFC 8985"),
        (include_str!("../../../src/tcp/tests/rfc6582.rs"), "RFC 6582"),
    ] {
        assert!(text.contains(words) && text.contains("#[test]"), "{words}");
    }
}
