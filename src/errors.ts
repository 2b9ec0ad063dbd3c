// The one table of error codes. docs/errors.md is written from it, and a check compares them.
//
// `remedy` is what the program does next:
//   retry   pause with growing, jittered delays, then try the same step again
//   newCode the code on the display is dead: after a pause or a press, show another one
//   signIn  the org has ended the sign-in: forget the grant, then show a new code
//   beginAgain after a pause, as after a start: with what is on the disk by then
//   wait    a person has to change something elsewhere: show it, try again rarely or on a press
//   stop    end the process with `exitCode` (sysexits.h numbers)
//   report  tell the sender (command result) and go on
//   warn    a setting gives up some safety: say so at every start and go on

export type Remedy = "retry" | "newCode" | "signIn" | "beginAgain" | "wait" | "stop" | "report" | "warn";

export interface ErrorEntry {
  readonly remedy: Remedy;
  /** What happened, in one short sentence a person understands. */
  readonly title: string;
  /** What it means and what to do. */
  readonly help: string;
  /** Of a command that it ends; always with remedy `stop`. */
  readonly exitCode?: number;
}

export const errorTable = {
  // the way to the org
  ORG_UNREACHABLE: {
    remedy: "retry",
    title: "The org cannot be reached",
    help: "Check the network cable or Wi-Fi, and that org.url names the right host. The board keeps trying.",
  },
  ORG_TIMEOUT: {
    remedy: "retry",
    title: "The org does not answer in time",
    help: "The network or the org is slow. The board waits longer each time and keeps trying.",
  },
  ORG_TLS: {
    remedy: "wait",
    title: "The org's certificate is not trusted",
    help: "Check the board's date and time. For an org with its own certificate authority, name its file in org.ca.",
  },
  ORG_BUSY: {
    remedy: "retry",
    title: "The org asks to come back later",
    help: "The org is overloaded or in maintenance. The board waits as long as the org says and tries again.",
  },
  ORG_ANSWER_INVALID: {
    remedy: "retry",
    title: "The org's answer makes no sense",
    help: "The answer was not what the protocol says, perhaps a maintenance page or a proxy's sign-in page. Check org.url and org.dialect.",
  },
  ORG_ANSWER_TOO_LARGE: {
    remedy: "retry",
    title: "The org's answer is too large",
    help: "More was sent than any such answer needs, so it was cut off. Check org.url.",
  },
  ORG_DISCOVERY: {
    remedy: "wait",
    title: "The org does not describe the sign-in that org.signIn asks for",
    help: "With dialect rfc8628, org.url must be an issuer whose discovery document names a device_authorization_endpoint (with signIn web an authorization_endpoint). Check org.url, or choose another dialect or signIn.",
  },
  // the sign-in
  CLIENT_UNKNOWN: {
    remedy: "wait",
    title: "The org does not know this client",
    help: "Check org.clientId (the consumer key of your External Client App) and org.clientSecret; a new app can take ten minutes until the org knows it.",
  },
  DEVICE_FLOW_DISABLED: {
    remedy: "wait",
    title: "The org does not allow the device flow for this client",
    help: "In the org: External Client App, OAuth settings, switch on Device Flow. From 30 Nov 2026 Salesforce allows it only for local External Client Apps with a http://localhost callback URL (release update Restrict the OAuth 2.0 Device Flow). Where that cannot be, org.signIn web signs the board in with a browser of its own or through ssh; jwt-bearer, client-credentials, saml-bearer or saml-assertion without anybody: docs/flows.md.",
  },
  WEB_FLOW_DISABLED: {
    remedy: "wait",
    title: "The org does not allow the web server flow for this client",
    help: "In the org: External Client App, OAuth settings, the callback URL must be org.callback, letter by letter, and the Authorization Code flow with PKCE allowed. Or sign the board in another way (org.signIn): docs/flows.md.",
  },
  CALLBACK_CLOSED: {
    remedy: "wait",
    title: "The board cannot listen where the org sends the browser",
    help: "Another program has the port of org.callback, or this account may not use it (below 1024). Stop that program, or set org.callback to another port and register the same address in the org's app.",
  },
  CALLBACK_STRANGE: {
    remedy: "report",
    title: "This is no answer to the link that the board shows now",
    help: "It is of an older link or another board, or part of the address is missing. porchlight sign-in shows the link that counts; open it, and copy the whole address again.",
  },
  SIGN_IN_CLOSED: {
    remedy: "wait",
    title: "The org does not let this client sign in by itself",
    help: "In the org: External Client App, OAuth settings, switch on the flow of org.signIn (JWT Bearer Flow with the board's certificate; for saml-bearer, the identity provider's certificate in the app; Client Credentials Flow with a user to run as; for saml-assertion, SAML in Single Sign-On Settings). Or sign the board in another way (org.signIn): docs/flows.md.",
  },
  SIGN_IN_NOT_APPROVED: {
    remedy: "wait",
    title: "The org does not admit the board's user to this app",
    help: "In the org: External Client App, policies, permitted users: admin approved users are pre-authorized; then give the board's user (org.username, the one in the assertion, or who signed in) a permission set or profile that is assigned to the app, and see that the user is active.",
  },
  ASSERTION_REFUSED: {
    remedy: "wait",
    title: "The org does not accept the assertion that the board signs in with",
    help: "With org.signIn jwt-bearer, the app's certificate must be the other half of org.key, org.clientId the app's consumer key, org.username an active user of this org, and org.audience the host that this user signs in at. With saml-bearer and saml-assertion, whoever makes the assertion must sign it with the key whose certificate the org has, name an active user, and name the org as audience and its token endpoint as recipient, for a few minutes and once: docs/flows.md. Clocks may differ by three minutes at most. Salesforce tells an administrator more: Login History, and the SAML Assertion Validator in Single Sign-On Settings.",
  },
  ASSERTION_UNREADABLE: {
    remedy: "wait",
    title: "The board cannot read the assertion that it is to sign in with",
    help: "org.assertion.file must be a plain file of at most 96 KiB that the board's own account (porchlight, as a service) may read. Whatever writes it has to have run: it writes beside it and renames, so that the board never sees half of it.",
  },
  ASSERTION_COMMAND_FAILED: {
    remedy: "retry",
    title: "The command that fetches the board's assertion has failed",
    help: "org.assertion.command is started as the board's own account, without a shell, with a small environment and nothing to read; it has to print the assertion and end with 0 within 30 seconds. Try it as that account: sudo -u porchlight -- and the command.",
  },
  ASSERTION_INVALID: {
    remedy: "wait",
    title: "What the board is to sign in with is no SAML 2.0 assertion",
    help: "It must be one signed SAML 2.0 assertion (with org.signIn saml-assertion the whole response around it), in UTF-8, as XML or in base64, of at most 64 KiB and without a DTD. The message says what it is instead. See what org.assertion names.",
  },
  ASSERTION_EXPIRED: {
    remedy: "wait",
    title: "The assertion that the board is to sign in with is too old",
    help: "Its own NotOnOrAfter has passed by the board's clock. Let something renew org.assertion.file every few minutes, or name a program that fetches a new one in org.assertion.command; and see that the clocks of the board and of the identity provider are right.",
  },
  SCOPE_REFUSED: {
    remedy: "wait",
    title: "The org refuses the scope",
    help: "org.scope asks for something the client may not have. Allow it in the app's OAuth scopes, or shorten org.scope.",
  },
  TOO_MANY_CODES: {
    remedy: "wait",
    title: "The org gives out no more codes for now",
    help: "Too many codes were asked for. Salesforce wants an hour of silence; the board waits and then asks again.",
  },
  CODE_EXPIRED: {
    remedy: "newCode",
    title: "The code or link has expired",
    help: "Nobody approved it in time. Press the button (or a key), or run porchlight sign-in, for a new one.",
  },
  CODE_DENIED: {
    remedy: "newCode",
    title: "The sign-in was refused",
    help: "Somebody answered No to this board. Press the button (or a key), or run porchlight sign-in, for a new code or link.",
  },
  CODE_INVALID: {
    remedy: "newCode",
    title: "The org no longer knows this code",
    help: "It was replaced, used or dropped by the org. Press the button (or a key), or run porchlight sign-in, for a new one.",
  },
  GRANT_GONE: {
    remedy: "signIn",
    title: "The org has ended the sign-in",
    help: "The approval was revoked, has expired, or was pushed out by a newer device (Salesforce keeps five per user and app). Approve the new code or link.",
  },
  REFRESH_BUSY: {
    remedy: "retry",
    title: "The org is still working on an earlier refresh",
    help: "Two refreshes met at the org. The board waits a moment and tries again with the same token.",
  },
  NO_REFRESH_TOKEN: {
    remedy: "signIn",
    title: "The sign-in cannot be renewed",
    help: "The org gave no refresh token. Add refresh_token (Salesforce) or offline_access to org.scope, and allow it in the app.",
  },
  ACCESS_TOKEN_REJECTED: {
    remedy: "retry",
    title: "The org does not accept the access token any more",
    help: "It ran out or was revoked. The board gets a new one with its refresh token, or signs in again where it does that by itself.",
  },
  SIGN_IN_ENDING: {
    remedy: "report",
    title: "The sign-in ends soon, because the org has not heard of this board for long",
    help: "Connect the board to the network before then: it renews the sign-in by itself. Afterwards somebody has to approve a new code.",
  },
  APPROVALS_FULL: {
    remedy: "report",
    title: "All approvals that the org allows this person for this app are used",
    help: "The next board or phone that they sign in with it signs out the oldest one. Sign out a board that is not used any more (porchlight sign-out, or the person's settings at the org), or give further boards an External Client App of their own.",
  },
  HOME_UNKNOWN: {
    remedy: "report",
    title: "The board does not know where home is, and so not when it gets dark there",
    help: "It takes 18:00 for dusk until it knows. Set home.latitude and home.longitude, or have the org fill in coordinates in the person's user record or contact (Salesforce: Latitude and Longitude, as its geocoding rules do).",
  },
  HOME_BY_TIME_ZONE: {
    remedy: "report",
    title: "Nobody has told the board where home is, so dusk is that of its time zone's city",
    help: "That may be an hour or more off. Set home.latitude and home.longitude, or have the org fill in coordinates in the person's user record or contact (Salesforce: Latitude and Longitude, as its geocoding rules do).",
  },
  TIME_ZONE_UNKNOWN: {
    remedy: "report",
    title: "The board does not know the time zone of its schedule any more",
    help: "Its lamps do not go on and off by themselves until the owner sets the schedule again from the phone, or evening.timeZone names another zone, such as Europe/Berlin.",
  },
  NO_DUSK: {
    remedy: "report",
    title: "It does not get dark these days before the lamps would go off",
    help: "They stay off until the evenings are darker. To have them on, set a time of day for them to go on, or to go off later.",
  },
  ASSET_RECORD_UNKNOWN: {
    remedy: "report",
    title: "The org has no single Asset record for this board",
    help: "org.assetState.minutes is set, but no record, or more than one, has the board's device.serial in its field SerialNumber, or the board's user may not see it. The exchange of assetToken.mode makes one; docs/report.md tells more. The board looks again once a day.",
  },
  ASSET_RECORD_CLOSED: {
    remedy: "report",
    title: "The org does not let this board write how it is into its Asset record",
    help: "A field of org.assetState.fields is missing there, or the board's user may not edit it, or a rule of the org refuses the value; the message says which. org-template has the fields and a permission set for them (docs/report.md). The board tries again once a day.",
  },
  // the asset token
  ASSET_TOKEN_REFUSED: {
    remedy: "wait",
    title: "The org gives this board no asset token",
    help: "In the org: External Client App, switch on asset tokens, with a signing certificate and the audience of assetToken.audience. The answer is in the log.",
  },
  ASSET_TOKEN_INVALID: {
    remedy: "wait",
    title: "The asset token does not stand up to checking",
    help: "Signature, issuer, audience, device, key or times are wrong; the message says which. Check assetToken.audience, assetToken.verify and the board's clock.",
  },
  ASSET_KEYS_UNAVAILABLE: {
    remedy: "retry",
    title: "The org's signing keys cannot be had",
    help: "Without them the asset token cannot be checked. Check the address in assetToken.verify, or pin the certificate there.",
  },
  CLOCK_UNSET: {
    remedy: "retry",
    title: "The board does not know the time yet",
    help: "Nothing can be signed or checked before it does. The board waits for the network's time service, or for an answer of the org's.",
  },
  CLOCK_WRONG: {
    remedy: "retry",
    title: "The board's clock is wrong",
    help: "Where the org has told the time, the board goes by that. Certificates are held against the system's clock all the same, so org or broker may be out of reach until it is right. Let the board reach a time server (UDP port 123), or set the clock: sudo date -s. `porchlight doctor clock` tells more.",
  },
  // the broker
  BROKER_UNREACHABLE: {
    remedy: "retry",
    title: "The broker cannot be reached",
    help: "Check the network and broker.url. The board keeps trying, less and less often.",
  },
  BROKER_TLS: {
    remedy: "wait",
    title: "The broker's certificate is not trusted",
    help: "Check the board's date and time. For a broker with its own certificate authority, name its file in broker.ca. Where it asks for a certificate, broker.cert and broker.key must belong together.",
  },
  BROKER_REFUSED: {
    remedy: "retry",
    title: "The broker turns this board away",
    help: "The broker did not accept the credentials. Check broker.auth, the broker's own log, and that the device may use its topics.",
  },
  BROKER_BUSY: {
    remedy: "retry",
    title: "The broker asks to come back later",
    help: "The broker is overloaded or shutting down. The board waits and tries again.",
  },
  BROKER_LOST: {
    remedy: "retry",
    title: "The connection to the broker was lost",
    help: "The network or the broker went away. The board connects again by itself; the lamp keeps its state.",
  },
  BROKER_SILENT: {
    remedy: "retry",
    title: "The broker has stopped acknowledging",
    help: "Messages are not acknowledged although the connection looks alive. The board connects again with fresh credentials.",
  },
  BROKER_TAKEN_OVER: {
    remedy: "wait",
    title: "Another client uses this board's name at the broker",
    help: "Two boards with the same device.id throw each other out. Give each its own device.id.",
  },
  BROKER_FORBIDS: {
    remedy: "wait",
    title: "The broker forbids this board its topics",
    help: "Allow the device to subscribe and publish below porchlight/<device>/ in the broker's access rules.",
  },
  // commands
  COMMAND_INVALID: {
    remedy: "report",
    title: "The command makes no sense",
    help: "It has not the form that docs/topics.md, for signed commands docs/signed-commands.md, describes. Both have examples.",
  },
  COMMAND_TOO_LARGE: {
    remedy: "report",
    title: "The command is too large",
    help: "Commands may have up to 16 KiB.",
  },
  COMMAND_RETAINED: {
    remedy: "report",
    title: "A retained command is not obeyed",
    help: "It could be from any time in the past. Publish commands without the retain flag.",
  },
  COMMAND_STALE: {
    remedy: "report",
    title: "The command came too late",
    help: "Its time had run out before it arrived. Send it again.",
  },
  COMMAND_REPEATED: {
    remedy: "report",
    title: "The command was obeyed before",
    help: "A command with this id has already been dealt with. Use a new id for each command.",
  },
  COMMAND_UNTRUSTED: {
    remedy: "report",
    title: "Plain commands are not obeyed on this board",
    help: "commands.trust is owner: only signed commands count. Send a signed command, or set commands.trust to broker.",
  },
  COMMAND_UNREADABLE: {
    remedy: "report",
    title: "The signed command has not the form of one",
    help: "It is not a PK token with one signed message. docs/signed-commands.md describes both.",
  },
  COMMAND_ALGORITHM: {
    remedy: "report",
    title: "The signed command uses an algorithm that is not allowed",
    help: "The org signs with RS256, the phone with ES256, RS256 or EdDSA, the same one everywhere.",
  },
  COMMAND_PHONE_KEY: {
    remedy: "report",
    title: "The phone has not proven its key",
    help: "The signature under the client instance claims is not by the key they name. Sign the phone in again.",
  },
  COMMAND_ISSUER: {
    remedy: "report",
    title: "The sender signed in at another org",
    help: "Only the org that this board is signed in to counts. Sign the phone in there.",
  },
  COMMAND_ORG_KEY: {
    remedy: "report",
    title: "The org's key for checking the sign-in cannot be had",
    help: "The board has no such key and could not fetch it. Send the command again in a minute; if it stays so, sign the phone in again.",
  },
  COMMAND_ORG_SIGNATURE: {
    remedy: "report",
    title: "The sign-in is not signed by the org",
    help: "Somebody made or changed it. Sign the phone in again.",
  },
  COMMAND_AUDIENCE: {
    remedy: "report",
    title: "The sender signed in to another app",
    help: "The sign-in is not for the app in commands.clientId. Set it to the client id that the phone uses.",
  },
  COMMAND_NONCE: {
    remedy: "report",
    title: "The sign-in does not name the phone's key",
    help: "Its nonce is not the hash of the client instance claims. Sign the phone in again.",
  },
  COMMAND_SIGN_IN_OLD: {
    remedy: "report",
    title: "The phone signed in too long ago",
    help: "Open the app so that it renews its sign-in, or sign in again. commands.signInHours says how long one counts.",
  },
  COMMAND_OWNER_UNKNOWN: {
    remedy: "report",
    title: "The board does not know who owns it",
    help: "The org has not told who approved it. The board asks again by itself, at least once an hour while the org has no answer and once a day while it refuses. With scope openid or api it does tell; then sign the board in again.",
  },
  COMMAND_NOT_OWNER: {
    remedy: "report",
    title: "The sender does not own this lamp",
    help: "Only its owner and guests with a pass are obeyed. The owner can give a pass in the app.",
  },
  COMMAND_SIGNATURE: {
    remedy: "report",
    title: "The command is not signed by the phone's key",
    help: "Somebody changed it on its way, or it belongs to another sign-in. Send it again.",
  },
  COMMAND_DEVICE: {
    remedy: "report",
    title: "The command is for another board",
    help: "It names another device than this one.",
  },
  COMMAND_CLOCK: {
    remedy: "report",
    title: "The board does not know the time yet",
    help: "Until it does it cannot tell a new command from an old one. Give it a network with a time server, or a clock.",
  },
  COMMAND_EARLY: {
    remedy: "report",
    title: "The command comes from the future",
    help: "The phone's clock is ahead of the board's by more than 30 seconds. Set both by the network.",
  },
  COMMAND_FORBIDDEN: {
    remedy: "report",
    title: "Only the owner may do this",
    help: "A guest pass allows moving lamps and nothing else.",
  },
  GUEST_LIMIT: {
    remedy: "report",
    title: "The guest pass does not allow this",
    help: "It names lamps, what may be set, and perhaps the most brightness. Ask the owner for another pass.",
  },
  GUEST_TIME: {
    remedy: "report",
    title: "The guest pass does not count now",
    help: "It has not begun, or not at this time of day. Ask the owner for another pass.",
  },
  GUESTS_FULL: {
    remedy: "report",
    title: "The board keeps no more guest passes",
    help: "It keeps 32. Revoke one that nobody uses.",
  },
  GUEST_UNKNOWN: {
    remedy: "report",
    title: "There is no such guest pass",
    help: "It has ended or was revoked before. The list of passes has the ids of those that count.",
  },
  COMMAND_CROWDED: {
    remedy: "report",
    title: "Too many commands at once",
    help: "Newer ones pushed this one out before the board came to it, or thousands came within minutes. Send fewer at a time.",
  },
  LIGHT_UNKNOWN: {
    remedy: "report",
    title: "There is no such lamp",
    help: "The topic names a lamp that is not in the settings under lights.",
  },
  LIGHT_CANNOT: {
    remedy: "report",
    title: "This lamp cannot do that",
    help: "The lamp's traits (in the about topic) say what it can do.",
  },
  LIGHT_FAULT: {
    remedy: "report",
    title: "The lamp's hardware does not answer",
    help: "Check its wiring, power and the driver's address. The board keeps trying and takes it back by itself.",
  },
  BUTTON_FAULT: {
    remedy: "report",
    title: "The board's button does not answer",
    help: "Check its wiring and the setting button. The board works without it, and takes it back by itself.",
  },
  DISPLAY_FAULT: {
    remedy: "report",
    title: "The board's display does not answer",
    help: "Check its wiring and the setting display. The board works without it, and takes it back by itself.",
  },
  // what settings give up
  TRUST_BROKER: {
    remedy: "warn",
    title: "Whoever the broker lets publish moves the lamps",
    help: "commands.trust is broker: no signature is asked for, and the broker's access rules are the only lock. With owner, signed commands count and nothing else.",
  },
  BROKER_PLAIN: {
    remedy: "warn",
    title: "Unencrypted connections to the broker are allowed",
    help: "broker.allowPlain is on: with mqtt or ws, whoever is on the way reads and changes everything, the board's token included. Use mqtts or wss, and switch it off.",
  },
  // this board
  SETTINGS_INVALID: {
    remedy: "stop",
    exitCode: 78,
    title: "The settings are wrong",
    help: "The message names each key, its value and what is allowed. docs/settings.md has them all.",
  },
  SETTINGS_UNREADABLE: {
    remedy: "stop",
    exitCode: 66,
    title: "The settings file cannot be read",
    help: "Name it with --settings FILE and check that it exists and that you may read it.",
  },
  USAGE: {
    remedy: "stop",
    exitCode: 64,
    title: "The command line is wrong",
    help: "porchlight --help shows how to call it.",
  },
  STATE_UNWRITABLE: {
    remedy: "retry",
    exitCode: 73,
    title: "The state folder cannot be written",
    help: "Check that the folder of state.dir exists, is yours, and that the disk is not full, read-only or worn out. Meanwhile the board goes on from memory, which does not outlast it, and obeys no signed commands; it keeps trying.",
  },
  STATE_DAMAGED: {
    remedy: "beginAgain",
    exitCode: 65,
    title: "A file in the state folder is damaged",
    help: "The message names it. The generation before it serves where there is one; otherwise the board makes a new one or asks to be signed in again. The damaged file is kept as *.damaged-1: when it happens again, change the card.",
  },
  STATE_LOCKED: {
    remedy: "wait",
    exitCode: 78,
    title: "The state folder is encrypted, and its key is missing or another one",
    help: "Give the service its credential porchlight-state-key back (docs/state.md). Nothing is overwritten. Without the key nobody can read it: porchlight sign-out then forgets the sign-in, and the files have to be removed by hand.",
  },
  STATE_NEWER: {
    remedy: "wait",
    exitCode: 78,
    title: "The state folder was written by a newer version of Porchlight",
    help: "Install that version again. This one reads nothing of it and overwrites nothing.",
  },
  ALREADY_RUNNING: {
    remedy: "stop",
    exitCode: 75,
    title: "Porchlight is already running with this state folder",
    help: "Two agents would fight over one sign-in. Stop the other one first, or give this one its own state.dir.",
  },
  AGENT_OLDER: {
    remedy: "stop",
    exitCode: 69,
    title: "The running agent is older than this command and does not know it",
    help: "The program was updated while the agent ran. Restart it (sudo systemctl restart porchlight) and try again.",
  },
  NOT_SIGNED_IN: {
    remedy: "stop",
    exitCode: 69,
    title: "This board is not signed in",
    help: "Start porchlight run, or the service, with the same settings. Then run porchlight sign-in again.",
  },
  STEP_FAILED: {
    remedy: "stop",
    exitCode: 1,
    title: "A step of the story did not happen",
    help: "The message names the step. Run again with --json to see every event.",
  },
  INSTALL_FAILED: {
    remedy: "stop",
    exitCode: 73,
    title: "Porchlight cannot be installed",
    help: "The message says where. What was there before works as before; mend it and run the same command again.",
  },
  // updates; what runs goes on running
  UPDATE_NOT_SET_UP: {
    remedy: "stop",
    exitCode: 78,
    title: "This board takes no updates as it is",
    help: "Install Porchlight as a service (the Debian package, or porchlight install), and set update.url and update.publicKey.",
  },
  UPDATE_UNREACHABLE: {
    remedy: "stop",
    exitCode: 69,
    title: "The update cannot be fetched",
    help: "Check the network and update.url. What was fetched so far is kept, and the next try goes on from there.",
  },
  UPDATE_SIGNATURE: {
    remedy: "stop",
    exitCode: 76,
    title: "The update is not signed by the maker",
    help: "Nothing of it was installed. Check that update.publicKey is the maker's; otherwise somebody changed what lies at update.url.",
  },
  UPDATE_DAMAGED: {
    remedy: "stop",
    exitCode: 65,
    title: "The update is damaged",
    help: "Nothing of it was installed. Try again; when it stays so, the files at update.url do not belong together.",
  },
  UPDATE_UNFIT: {
    remedy: "stop",
    exitCode: 65,
    title: "The update does not fit this board",
    help: "The version that ran goes on. The message says what does not fit; the maker has to mend it.",
  },
  UPDATE_CANNOT_WRITE: {
    remedy: "stop",
    exitCode: 73,
    title: "The update cannot be written",
    help: "The version that ran goes on. Make room, or make the disk writable, and run sudo porchlight update.",
  },
  UPDATE_WENT_BACK: {
    remedy: "stop",
    exitCode: 75,
    title: "The new version did not work here, and the one before it runs again",
    help: "journalctl -u porchlight tells how the new version ended. After three failures a board tries a version only when asked to.",
  },
  UPDATE_BUSY: {
    remedy: "stop",
    exitCode: 75,
    title: "Not now",
    help: "Wait until the other update is done or the lamps are off, or use --now to update while a lamp is on.",
  },
  TAKE_OVER_FAILED: {
    remedy: "stop",
    exitCode: 74,
    title: "The settings on the boot partition cannot be taken over",
    help: "The message names the file. Nothing is lost, and the next start tries again; until then secrets can still be read on the boot partition.",
  },
  REPORT_INCOMPLETE: {
    remedy: "stop",
    exitCode: 75,
    title: "The report is there, but it is not complete",
    help: "What is missing stands at the top of the report, with its code. The next one may be complete; docs/report.md says what the caps and limits are.",
  },
  REPORT_LATE: {
    remedy: "stop",
    exitCode: 75,
    title: "The report was not finished in time",
    help: "The report before it is still there. Give it more time with --timeout, or look why the org or the broker is slow.",
  },
  REPORT_CANNOT_WRITE: {
    remedy: "stop",
    exitCode: 73,
    title: "The report cannot be written",
    help: "The report before it is still there. Check that the folder of --out is yours, and that the disk is not full or read-only.",
  },
  SERVICE_MANAGER_DEAF: {
    remedy: "report",
    title: "The service manager cannot be told how the agent is",
    help: "Start the agent by its systemd unit, or without $NOTIFY_SOCKET. The lamp works without it.",
  },
  AGENT_RESTARTS: {
    remedy: "report",
    title: "The agent has had to start again several times",
    help: "It ended by itself three times or more, each time within a day of its start. porchlight status says how it ended the last time, journalctl -u porchlight what came before.",
  },
  INTERRUPTED: {
    remedy: "stop",
    exitCode: 130,
    title: "Interrupted",
    help: "You stopped it.",
  },
  BUG: {
    remedy: "stop",
    exitCode: 70,
    title: "Porchlight has a bug",
    help: "Please report it with the message and the last lines of the log.",
  },
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof errorTable;

/** The entry of a code, with its optional fields visible. */
export const entryOf = (code: ErrorCode): ErrorEntry => errorTable[code];

/**
 * A fault that the table knows. Made only at the edge (adapters, drivers, protocol readers), with the
 * foreign error as `cause`. The message ends with the code, so that one log line identifies it.
 */
export class AgentError extends Error {
  readonly code: ErrorCode;
  /** What happened this time, without title and code; null when the code says it all. */
  readonly detail: string | null;
  /** The other side asked for at least this pause, in milliseconds (Retry-After, RFC 9110 section 10.2.3). */
  readonly retryAfterMs: number | undefined;

  constructor(code: ErrorCode, detail?: string, options: { cause?: unknown; retryAfterMs?: number } = {}) {
    const title = errorTable[code].title;
    super(
      `${title}${detail ? `: ${detail}` : ""} (${code})`,
      options.cause === undefined ? undefined : { cause: options.cause },
    );
    this.name = "AgentError";
    this.code = code;
    this.detail = detail || null;
    this.retryAfterMs = options.retryAfterMs;
  }

  get remedy(): Remedy {
    return errorTable[this.code].remedy;
  }
}

/** Any thrown value as an AgentError: what is not one already is a bug. */
export const asAgentError = (error: unknown): AgentError =>
  error instanceof AgentError
    ? error
    : new AgentError("BUG", error instanceof Error ? error.message : String(error), { cause: error });
