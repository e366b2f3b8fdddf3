"""Bounces and complaints as servers write them, about a message to ann@example.net that was sent from `sender`."""

HEADERS = """\
Return-Path: <{sender}>
From: Example Shop <hello@shop.example>
To: ann@example.net
Subject: Our offer
Message-ID: <{message_id}>
MIME-Version: 1.0
Content-Type: text/plain; charset=utf-8

"""

POSTFIX = (
    """\
Return-Path: <>
Date: Mon, 30 Nov 2026 09:00:00 +0100 (CET)
From: MAILER-DAEMON@mail.example.net (Mail Delivery System)
Subject: Undelivered Mail Returned to Sender
To: {to}
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status;
\tboundary="4C1F.1480494000/mail.example.net"
Message-Id: <20261130080000.4C1F@mail.example.net>

This is a MIME-encapsulated message.

--4C1F.1480494000/mail.example.net
Content-Description: Notification
Content-Type: text/plain; charset=us-ascii

I'm sorry to have to inform you that your message could not
be delivered to one or more recipients. It's attached below.

<ann@example.net>: host mx.example.net[192.0.2.7] said: {reply} (in reply to RCPT TO command)

--4C1F.1480494000/mail.example.net
Content-Description: Delivery report
Content-Type: message/delivery-status

Reporting-MTA: dns; mail.example.net
X-Postfix-Queue-ID: 4C1F
Arrival-Date: Mon, 30 Nov 2026 08:59:59 +0100 (CET)

Final-Recipient: rfc822; ann@example.net
Original-Recipient: rfc822;ann@example.net
Action: {action}
Status: {status}
Remote-MTA: dns; mx.example.net
Diagnostic-Code: smtp; {reply}

--4C1F.1480494000/mail.example.net
Content-Description: Undelivered Message
Content-Type: message/rfc822

"""
    + HEADERS
    + """\
Hello Ann

--4C1F.1480494000/mail.example.net--
"""
)

EXCHANGE = (
    """\
From: Microsoft Outlook <postmaster@example.net>
To: {to}
Date: Mon, 30 Nov 2026 08:00:01 +0000
Message-ID: <1d2e@AM0.prod.example.net>
Subject: Undeliverable: Our offer
Auto-Submitted: auto-replied
Content-Type: multipart/report; report-type=delivery-status; boundary="a1b2"

--a1b2
Content-Type: text/html; charset="us-ascii"
Content-Transfer-Encoding: quoted-printable

<html><body>Your message to ann@example.net couldn't be delivered.</body></html>

--a1b2
Content-Type: message/delivery-status

Reporting-MTA: dns;AM0.prod.example.net
Received-From-MTA: dns;mail.shop.example
Arrival-Date: Mon, 30 Nov 2026 08:00:00 +0000

Final-Recipient: rfc822;ann@example.net
Action: failed
Status: 5.4.1
Diagnostic-Code: smtp;550 5.4.1 Recipient address rejected: Access denied. AS(201806281)

--a1b2
Content-Type: text/rfc822-headers

"""
    + HEADERS
    + """\
--a1b2--
"""
)

EXIM = (
    """\
Return-Path: <>
X-Failed-Recipients: ann@example.net
Auto-Submitted: auto-replied
From: Mail Delivery System <Mailer-Daemon@mail.example.net>
To: {to}
Subject: Mail delivery failed: returning message to sender
Message-Id: <E1c-0007@mail.example.net>
Date: Mon, 30 Nov 2026 08:00:00 +0000

This message was created automatically by mail delivery software.

A message that you sent could not be delivered to one or more of its
recipients. This is a permanent error. The following address(es) failed:

  ann@example.net
    host mx.example.net [192.0.2.7]
    SMTP error from remote mail server after RCPT TO:<ann@example.net>:
    550 5.1.1 User unknown

------ This is a copy of the message, including all the headers. ------

"""
    + HEADERS
)

QMAIL = (
    """\
Return-Path: <>
From: MAILER-DAEMON@mail.example.net
To: {to}
Subject: failure notice
Date: 30 Nov 2026 08:00:00 -0000

Hi. This is the qmail-send program at mail.example.net.
I'm afraid I wasn't able to deliver your message to the following addresses.
This is a permanent error; I've given up. Sorry it didn't work out.

<ann@example.net>:
Sorry, no mailbox here by that name. (#5.1.1)

--- Below this line is a copy of the message.

"""
    + HEADERS
)

COMPLAINT = (
    """\
From: <abusedesk@example.net>
Date: Mon, 30 Nov 2026 10:00:00 +0000
Subject: FW: Our offer
To: {to}
Message-ID: <arf-1@example.net>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary="part"

--part
Content-Type: text/plain; charset="US-ASCII"

This is an email abuse report for an email message received on Mon, 30 Nov 2026.

--part
Content-Type: message/feedback-report

Feedback-Type: {type}
User-Agent: SomeGenerator/1.0
Version: 1
Original-Mail-From: <somebody@example.net>
Arrival-Date: Mon, 30 Nov 2026 09:30:00 +0000
Source-IP: 192.0.2.1

--part
Content-Type: message/rfc822
Content-Disposition: inline

"""
    + HEADERS
    + """\
Hello Ann

--part--
"""
)

VACATION = """\
Return-Path: <>
From: Ann <ann@example.net>
To: {to}
Subject: Out of office
Auto-Submitted: auto-replied
Date: Mon, 30 Nov 2026 08:00:00 +0000

I am away until Monday. My colleague's mailbox is bob@example.net, if the account does not exist, call me.
"""

LEAVE = """\
From: Ann <ann@example.net>
To: {to}
Subject: unsubscribe
Message-ID: <leave-1@example.net>
Date: Mon, 30 Nov 2026 08:00:00 +0000

unsubscribe
"""
