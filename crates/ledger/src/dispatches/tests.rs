use super::*;

const HOUR: i64 = 3_600_000;
const NOW: Instant = Instant(1_000 * HOUR);

/// E-mail until it is opened, a text message after a day, a messenger two hours later.
const CASCADE: [Step; 3] = [
    Step { channel: Channel::Email, wait: 24 * HOUR, until_opened: true },
    Step { channel: Channel::Sms, wait: 2 * HOUR, until_opened: false },
    Step { channel: Channel::Messenger, wait: HOUR, until_opened: false },
];

fn dispatch(purpose: Purpose) -> Dispatch {
    Dispatch { purpose, tried: None, channels: Vec::new(), receipts: Vec::new(), stale: None, lately: 0, cap: None }
}

fn contact() -> Contact {
    Contact { reachable: Channel::ALL.to_vec(), consents: Vec::new(), quiet_until: None }
}

fn tried(channel: Channel, hours_ago: i64, receipts: &[(Channel, Receipt)]) -> Dispatch {
    let at = Instant(NOW.0 - hours_ago * HOUR);
    let channels = vec![channel];
    Dispatch { tried: Some((channel, at)), channels, receipts: receipts.to_vec(), ..dispatch(Purpose::Service) }
}

fn decided(dispatch: &Dispatch, contact: &Contact) -> Decision {
    decide(dispatch, Some(contact), &CASCADE, NOW)
}

fn sent_by(channel: Channel, hours: i64) -> Decision {
    Decision::Send { channel, look_at: Instant(NOW.0 + hours * HOUR) }
}

#[test]
fn the_first_channel_by_which_the_member_is_reached_comes_first() {
    assert_eq!(decided(&dispatch(Purpose::Service), &contact()), sent_by(Channel::Email, 24));
    let by_phone = Contact { reachable: vec![Channel::Messenger, Channel::Sms], ..contact() };
    assert_eq!(decided(&dispatch(Purpose::Service), &by_phone), sent_by(Channel::Sms, 2));
    let nobody = Contact { reachable: vec![Channel::Push], ..contact() };
    assert_eq!(decided(&dispatch(Purpose::Service), &nobody), Decision::NotSent("unreachable"));
}

#[test]
fn the_next_channel_comes_when_the_one_before_did_not_get_through_in_time() {
    let waits = Decision::Wait { until: Instant(NOW.0 + HOUR) };
    assert_eq!(decided(&tried(Channel::Email, 23, &[]), &contact()), waits);
    assert_eq!(decided(&tried(Channel::Email, 24, &[]), &contact()), sent_by(Channel::Sms, 2));
    let unopened = tried(Channel::Email, 24, &[(Channel::Email, Receipt::Delivered)]);
    assert_eq!(decided(&unopened, &contact()), sent_by(Channel::Sms, 2), "delivered is not opened");
    let bounced = tried(Channel::Email, 0, &[(Channel::Email, Receipt::Failed)]);
    assert_eq!(decided(&bounced, &contact()), sent_by(Channel::Sms, 2), "at once");
}

#[test]
fn what_got_through_goes_no_further() {
    let opened = tried(Channel::Email, 30, &[(Channel::Email, Receipt::Delivered), (Channel::Email, Receipt::Opened)]);
    assert_eq!(decided(&opened, &contact()), Decision::Arrived(Receipt::Opened));
    let delivered = tried(Channel::Sms, 30, &[(Channel::Sms, Receipt::Delivered)]);
    assert_eq!(decided(&delivered, &contact()), Decision::Arrived(Receipt::Delivered));
    let late = tried(Channel::Sms, 0, &[(Channel::Email, Receipt::Opened)]);
    assert_eq!(decided(&late, &contact()), Decision::Arrived(Receipt::Opened), "the e-mail was opened after all");
}

#[test]
fn behind_the_last_channel_there_is_what_is_known() {
    assert_eq!(decided(&tried(Channel::Messenger, 1, &[]), &contact()), Decision::Sent);
    let refused = tried(Channel::Messenger, 0, &[(Channel::Messenger, Receipt::Failed)]);
    assert_eq!(decided(&refused, &contact()), Decision::Failed);
    let by_mail = tried(Channel::Messenger, 1, &[(Channel::Email, Receipt::Delivered)]);
    assert_eq!(decided(&by_mail, &contact()), Decision::Arrived(Receipt::Delivered));
    let dropped = tried(Channel::Push, 1, &[]);
    assert_eq!(decided(&dropped, &contact()), Decision::Sent, "a channel that the program has no more");
}

#[test]
fn marketing_needs_a_yes_and_the_rest_no_no() {
    let said = |consents: &[(Channel, bool)]| Contact { consents: consents.to_vec(), ..contact() };
    assert_eq!(decided(&dispatch(Purpose::Marketing), &contact()), Decision::NotSent("no_consent"));
    let yes = said(&[(Channel::Sms, true), (Channel::Email, false)]);
    assert_eq!(decided(&dispatch(Purpose::Marketing), &yes), sent_by(Channel::Sms, 2));
    let no = said(&[(Channel::Email, false)]);
    for purpose in [Purpose::Service, Purpose::Urgent] {
        assert_eq!(decided(&dispatch(purpose), &no), sent_by(Channel::Sms, 2));
    }
    // taken back after the e-mail went out
    let taken_back = said(&[(Channel::Sms, false), (Channel::Messenger, false)]);
    assert_eq!(decided(&tried(Channel::Email, 24, &[]), &taken_back), Decision::Sent);
}

#[test]
fn only_a_code_disturbs_quiet_hours() {
    let until = Instant(NOW.0 + 5 * HOUR);
    let asleep = Contact { quiet_until: Some(until), consents: vec![(Channel::Email, true)], ..contact() };
    assert_eq!(decided(&dispatch(Purpose::Service), &asleep), Decision::Wait { until });
    assert_eq!(decided(&dispatch(Purpose::Marketing), &asleep), Decision::Wait { until });
    assert_eq!(decided(&tried(Channel::Email, 24, &[]), &asleep), Decision::Wait { until }, "the next channel, too");
    assert_eq!(decided(&dispatch(Purpose::Urgent), &asleep), sent_by(Channel::Email, 24));
}

#[test]
fn the_cap_is_for_marketing_and_for_what_was_not_begun() {
    let yes = Contact { consents: vec![(Channel::Email, true), (Channel::Sms, true)], ..contact() };
    let capped = |purpose, lately| Dispatch { lately, cap: Some(2), ..dispatch(purpose) };
    assert_eq!(decided(&capped(Purpose::Marketing, 1), &yes), sent_by(Channel::Email, 24));
    assert_eq!(decided(&capped(Purpose::Marketing, 2), &yes), Decision::NotSent("capped"));
    assert_eq!(decided(&capped(Purpose::Service, 9), &yes), sent_by(Channel::Email, 24));
    let begun = Dispatch { purpose: Purpose::Marketing, lately: 2, cap: Some(2), ..tried(Channel::Email, 24, &[]) };
    assert_eq!(decided(&begun, &yes), sent_by(Channel::Sms, 2));
}

#[test]
fn what_nobody_has_any_use_of_is_not_sent() {
    let stale = Dispatch { stale: Some("spent"), ..dispatch(Purpose::Service) };
    assert_eq!(decided(&stale, &contact()), Decision::NotSent("spent"));
    let begun = Dispatch { stale: Some("spent"), ..tried(Channel::Email, 24, &[]) };
    assert_eq!(decided(&begun, &contact()), Decision::Sent, "by no further channel");
    assert_eq!(decide(&dispatch(Purpose::Service), None, &CASCADE, NOW), Decision::NotSent("erased"));
}

#[test]
fn no_channel_is_tried_twice_when_the_program_puts_them_in_another_order() {
    let channels = vec![Channel::Email, Channel::Sms];
    let both = Dispatch { channels, ..tried(Channel::Sms, 2, &[]) };
    let turned = [CASCADE[1], CASCADE[0], CASCADE[2]];
    assert_eq!(decide(&both, Some(&contact()), &turned, NOW), sent_by(Channel::Messenger, 1));
    assert_eq!(decide(&both, Some(&contact()), &turned[..2], NOW), Decision::Sent);
}
