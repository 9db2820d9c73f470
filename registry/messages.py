"""Every sentence the register says to a caller, by stable code, in Dutch and English.

A code never changes its meaning. ``{name}`` is filled from the facts of the error or fault that carries the code.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Language = Literal["nl", "en"]
DEFAULT_LANGUAGE: Language = "nl"


@dataclass(frozen=True, slots=True)
class Text:
    nl: str
    en: str


TEXTS: dict[str, Text] = {
    # Errors: one for the whole request.
    "bad-request": Text("Het verzoek is niet te begrijpen.", "The request can't be understood."),
    "invalid-input": Text("De invoer bevat {count} fout(en).", "The input has {count} fault(s)."),
    "rule-violation": Text("De melding breekt {count} regel(s) van het register.", "The report breaks {count} rule(s) of the register."),
    "not-authenticated": Text("Meld u eerst aan: een geldig toegangstoken ontbreekt.", "Sign in first: a valid access token is missing."),
    "wrong-password": Text("Dit e-mailadres en wachtwoord horen niet bij elkaar.", "This e-mail address and password don't belong together."),
    "current-password-wrong": Text("Dit is niet uw huidige wachtwoord.", "This is not your present password."),
    "form-refused": Text(
        "Dit formulier is verlopen, of het komt niet van het register. Laad de pagina opnieuw, sta cookies toe en probeer het nog eens.",
        "This form has expired, or it does not come from the register. Load the page again, allow cookies, and try once more.",
    ),
    "sign-in-interrupted": Text("Het inloggen is onderbroken of duurde te lang. Begin opnieuw.", "Signing in was interrupted or took too long. Start again."),
    "sign-in-refused": Text(
        "De inlogdienst heeft u niet aangemeld. Begin opnieuw, of vraag het aan wie de inlogdienst beheert.",
        "The sign-in service did not sign you in. Start again, or ask whoever runs that service.",
    ),
    "identity-not-connected": Text(
        "Met dit account bij de inlogdienst is in het register niemand bekend. Vraag uw beheerder om een uitnodiging en koppel het account daarmee.",
        "Nobody in the register is known by this account at the sign-in service. Ask your administrator for an invitation, and connect the account with it.",
    ),
    "no-sign-in-service": Text("Dit register is niet aan een inlogdienst gekoppeld.", "This register is not connected to a sign-in service."),
    "sign-in-needed": Text(
        "Hiervoor moet u zelf ingelogd zijn; het token van een telefoon of programma is niet genoeg.",
        "For this you must be signed in yourself; the token of a phone or program is not enough.",
    ),
    "another-site": Text("Dit verzoek komt van een andere website en is geweigerd.", "This request comes from another website and is refused."),
    "code-not-valid": Text(
        "Deze code is onbekend, al gebruikt of verlopen. Vraag uw beheerder om een nieuwe.",
        "This code is unknown, was used already, or has expired. Ask your administrator for a new one.",
    ),
    "no-membership": Text(
        "U bent aangemeld, maar werkt op dit moment voor geen organisatie in het register. Vraag uw beheerder.",
        "You are signed in, but work for no organisation in the register at this moment. Ask your administrator.",
    ),
    "membership-not-chosen": Text(
        "U werkt voor meer dan één organisatie: geef met Acting-For aan voor welk lidmaatschap u handelt; GET /v1/me noemt ze.",
        "You work for more than one organisation: say with Acting-For for which membership you act; GET /v1/me names them.",
    ),
    "reason-required": Text(
        "Geef met de kop Reason aan waarom u dit inziet; de reden wordt bewaard.", "Say with the header Reason why you look at this; the reason is kept."
    ),
    "csrf-token-missing": Text(
        "Dit verzoek komt niet uit een scherm van het register: X-CSRF-Token ontbreekt of klopt niet.",
        "This request does not come from a screen of the register: X-CSRF-Token is missing or wrong.",
    ),
    "object-not-named": Text(
        "Noem het object waarvan u de geschiedenis wilt zien: subjectKind en subjectId.",
        "Name the object whose history you want to see: subjectKind and subjectId.",
    ),
    "membership-overlaps": Text(
        "Deze persoon heeft deze rol hier al in een deel van die periode.", "This person has this role here already in part of that period."
    ),
    "email-taken": Text(
        "Wie dit e-mailadres heeft, werkt al voor een andere organisatie; vraag de beheerder van het ministerie om diegene hier toe te voegen.",
        "Whoever has this e-mail address works for another organisation already; ask the administrator of the ministry to add her here.",
    ),
    "identity-taken": Text(
        "Dit account bij de inlogdienst hoort al bij iemand in het register.",
        "This account at the sign-in service already belongs to somebody in the register.",
    ),
    "portfolio-overlaps": Text(
        "De woning zit in een deel van die periode al in een portefeuille.", "The dwelling is in a portfolio already in part of that period."
    ),
    "token-invalid": Text("Dit toegangstoken wordt hier niet geaccepteerd: meld u opnieuw aan.", "This access token is not accepted here: sign in again."),
    "token-expired": Text(
        "Dit toegangstoken is verlopen: haal een nieuw token op of meld u opnieuw aan.",
        "This access token has expired: fetch a new token or sign in again.",
    ),
    "not-allowed": Text("Uw rol {role} mag dit niet: {right}.", "Your role {role} may not do this: {right}."),
    "role-elsewhere": Text(
        "De rol {role} bestaat niet bij een organisatie van de soort {kind}.", "The role {role} does not exist in an organisation of kind {kind}."
    ),
    "ends-before-it-begins": Text("De periode eindigt voordat zij begint.", "The period ends before it begins."),
    "password-length": Text("Kies {min} tot {max} tekens.", "Choose {min} to {max} characters."),
    "password-guessable": Text(
        "Dit is te raden: kies iets dat niet op uw naam of e-mailadres lijkt en niet uit herhaling bestaat.",
        "This can be guessed: choose something unlike your name or e-mail address, and no repetition.",
    ),
    "not-an-inspector-there": Text("{id} is vandaag geen inspecteur van die organisatie.", "{id} is no inspector of that organisation today."),
    "not-a-corporation": Text("{id} is geen woningcorporatie.", "{id} is no housing corporation."),
    "not-yours": Text("Dit hoort bij een andere organisatie.", "This belongs to another organisation."),
    "not-found": Text("{what} {id} bestaat niet of is niet zichtbaar voor u.", "{what} {id} does not exist or is not visible to you."),
    "no-such-page": Text("Deze URL bestaat niet.", "This URL does not exist."),
    "method-not-allowed": Text("Deze methode kan hier niet.", "This method is not possible here."),
    "not-acceptable": Text("Dit formaat kan niet worden geleverd.", "This format can't be delivered."),
    "unsupported-media-type": Text("Stuur de inhoud als {expected}.", "Send the content as {expected}."),
    "content-too-large": Text("De inhoud is groter dan {limit_bytes} bytes.", "The content is larger than {limit_bytes} bytes."),
    "length-required": Text("De lengte van de inhoud ontbreekt.", "The length of the content is missing."),
    "conflict": Text("Dit botst met wat het register al weet.", "This conflicts with what the register already knows."),
    "already-exists": Text("{what} {id} bestaat al met een andere inhoud.", "{what} {id} already exists with other content."),
    "precondition-failed": Text(
        "Het is intussen gewijzigd: haal versie {current} op en voer uw wijziging opnieuw in.",
        "It changed meanwhile: fetch version {current} and make your change again.",
    ),
    "precondition-required": Text(
        "Geef met If-Match aan op welke versie uw wijziging is gebaseerd.", "Say with If-Match which version your change is based on."
    ),
    "nothing-to-change": Text(
        "Er is nog niets om te wijzigen: laat If-Match weg om het aan te maken.", "There is nothing to change yet: leave If-Match out to create it."
    ),
    "idempotency-key-required": Text(
        "Geef een Idempotency-Key mee, zodat een herhaald verzoek niets dubbel vastlegt.",
        "Send an Idempotency-Key, so that a repeated request records nothing twice.",
    ),
    "idempotency-key-reused": Text("Deze Idempotency-Key hoort bij een ander verzoek.", "This Idempotency-Key belongs to another request."),
    "unavailable": Text(
        "Het register is even niet bereikbaar; probeer het over {retry_after_s} seconden opnieuw.",
        "The register can't be reached now; try again in {retry_after_s} seconds.",
    ),
    "identity-provider-unavailable": Text(
        "De identiteitsprovider waarbij u zich aanmeldt is even niet bereikbaar, dus uw aanmelding is niet te controleren; "
        "probeer het over {retry_after_s} seconden opnieuw.",
        "The identity provider where you sign in can't be reached now, so your signing in can't be checked; try again in {retry_after_s} seconds.",
    ),
    "too-many-requests": Text(
        "Te veel verzoeken; probeer het over {retry_after_s} seconden opnieuw.", "Too many requests; try again in {retry_after_s} seconds."
    ),
    "request-timeout": Text("De inhoud kwam te langzaam binnen; stuur het verzoek opnieuw.", "The content came in too slowly; send the request again."),
    "internal-error": Text(
        "Er ging iets mis bij ons. Meld dit met nummer {request_id}.", "Something went wrong on our side. Report it with number {request_id}."
    ),
    "inspection-conflict": Text(
        "Deze opname is intussen gewijzigd (versie {current}); beide versies en de verschillen staan in dit antwoord.",
        "This inspection changed meanwhile (version {current}); both versions and the differences are in this answer.",
    ),
    "inspection-submitted": Text("Deze opname is al ingediend en staat vast.", "This inspection is already submitted and can't be changed."),
    "answers-invalid": Text("De opname bevat {count} fout(en) in de antwoorden.", "The inspection has {count} fault(s) in its answers."),
    "photo-bytes-missing": Text(
        "De foto is nog niet aangekomen. Stuur de bytes naar de link en meld het daarna opnieuw.",
        "The photo has not arrived yet. Send its bytes to the link, then report it again.",
    ),
    "photo-bytes-differ": Text(
        "De opgeslagen bytes zijn niet de aangemelde: verwacht {expected}, gevonden {found}.",
        "The stored bytes are not the declared ones: expected {expected}, found {found}.",
    ),
    "photo-gone": Text(
        "{what} {id} is ingetrokken of vernietigd; de beelden zijn er niet meer.", "{what} {id} was withdrawn or destroyed; its image is not there any more."
    ),
    "photo-held": Text(
        "Foto {id} mag nu niet worden vernietigd: op de foto, de opname of de woning rust een vernietigingsstop.",
        "Photo {id} may not be destroyed now: there is a legal hold on the photo, its inspection or its dwelling.",
    ),
    "already-held": Text("Op {what} {id} rust al een vernietigingsstop.", "There is a legal hold on {what} {id} already."),
    "already-verifying": Text("Er loopt al een controle die {path} gebruikt.", "Another verification is using {path}."),
    "photo-not-withdrawn": Text("Foto {id} is niet ingetrokken.", "Photo {id} is not withdrawn."),
    "preview-not-there-yet": Text(
        "De verkleinde foto wordt nog gemaakt; probeer het over {retry_after_s} seconden opnieuw.",
        "The preview is still being made; try again in {retry_after_s} seconds.",
    ),
    "preview-unavailable": Text(
        "Van deze foto is geen verkleinde versie te maken; het origineel is er wel.", "No preview can be made of this photo; the original is there."
    ),
    "not-shared": Text("Deze link is onbekend, verlopen of ingetrokken.", "This link is unknown, has expired or was revoked."),
    "range-not-satisfiable": Text("Het gevraagde deel ligt buiten het bestand.", "The part that was asked for lies outside the file."),
    "photo-not-declared": Text(
        "Foto {id} is niet aangemeld voor een opname van u: meld haar eerst aan, of geef in Upload-Metadata ook inspectionId, question en contentType mee.",
        "Photo {id} is not declared for an inspection of yours: declare it first, or also give inspectionId, question and contentType in Upload-Metadata.",
    ),
    "digest-not-declared": Text(
        "Foto {id} is met andere bytes aangemeld; sha256 {sha256} hoort er niet bij.",
        "Photo {id} was declared with other bytes; sha256 {sha256} does not belong to it.",
    ),
    "length-differs": Text("De aangemelde lengte is {declared} bytes, niet {length}.", "The declared length is {declared} bytes, not {length}."),
    "concatenation-not-offered": Text(
        "Een foto in delen naast elkaar sturen kan hier niet: stuur haar als één upload, zonder Upload-Concat (parallelUploads: 1).",
        "A photo can't be sent in parallel parts here: send it as one upload, without Upload-Concat (parallelUploads: 1).",
    ),
    "photo-too-large": Text("Een foto mag hier {limit_bytes} bytes zijn, niet meer.", "A photo may be {limit_bytes} bytes here, not more."),
    "tus-version-differs": Text(
        "Deze server spreekt tus {version}; geef dat aan met Tus-Resumable.", "This server speaks tus {version}; say so with Tus-Resumable."
    ),
    "upload-gone": Text("Upload {id} is beëindigd, verlopen of mislukt: begin een nieuwe.", "Upload {id} was ended, has expired or failed: begin a new one."),
    "upload-stored": Text(
        "De foto is al opgeslagen; trek haar in als zij niet gezien mag worden.", "The photo is stored already; withdraw it if it must not be seen."
    ),
    "upload-offset-differs": Text("Ga verder bij byte {offset}.", "Go on at byte {offset}."),
    "upload-interrupted": Text(
        "De foto kwam niet helemaal aan; wat er is blijft bewaard. Ga verder bij byte {offset}.",
        "The photo did not arrive as a whole; what is here is kept. Go on at byte {offset}.",
    ),
    "upload-room-full": Text(
        "Er zijn te veel uploads tegelijk onderweg; maak eerst andere af, of probeer het over {retry_after_s} seconden opnieuw.",
        "Too many uploads are under way at once; finish others first, or try again in {retry_after_s} seconds.",
    ),
    "upload-declared-otherwise": Text(
        "Van deze foto is al een upload van {length} bytes onderweg.", "An upload of {length} bytes of this photo is under way already."
    ),
    "body-differs": Text(
        "De inhoud heeft niet de {algorithm} die de kop noemt; er is niets van bewaard. Stuur haar opnieuw.",
        "The content does not have the {algorithm} that its header says; nothing of it is kept. Send it again.",
    ),
    "sent-bytes-differ": Text(
        "Alle bytes zijn er, maar het zijn niet de aangemelde: verwacht sha256 {expected}, gevonden {found}. Lees de foto opnieuw en begin een nieuwe upload.",
        "All bytes are here, but they are not the declared ones: expected sha256 {expected}, found {found}. Read the photo again and begin a new upload.",
    ),
    "object-store-refuses-writes": Text(
        "De opslag voor foto's neemt niets meer aan; de beheerder is gewaarschuwd. Probeer het over {retry_after_s} seconden opnieuw, er is niets verloren.",
        "The store for photos takes nothing more; its operator is alarmed. Try again in {retry_after_s} seconds, nothing is lost.",
    ),
    "as-known-too-late": Text(
        "Wat bekend was op {known_at} staat nog niet vast; vraag een moment vóór {watermark}.",
        "What was known at {known_at} is not settled yet; ask for a moment before {watermark}.",
    ),
    # A BAG extract that can't be imported.
    "bag-file-refused": Text("Het BAG-extract kan niet worden gelezen.", "The BAG extract can't be read."),
    "file-unreadable": Text("Het bestand {path} kan niet worden geopend: {reason}.", "The file {path} can't be opened: {reason}."),
    "not-a-zip": Text(
        "{member} is geen zipbestand. Een BAG-extract is het zipbestand zoals het Kadaster het levert.",
        "{member} is not a zip file. A BAG extract is the zip file as Kadaster delivers it.",
    ),
    "zip-truncated": Text(
        "{member} is niet compleet; het downloaden of kopiëren is afgebroken. Haal het extract opnieuw op.",
        "{member} is not complete; the download or copy was cut off. Fetch the extract again.",
    ),
    "zip-damaged": Text("{member} is beschadigd: {reason}. Haal het extract opnieuw op.", "{member} is damaged: {reason}. Fetch the extract again."),
    "zip-hostile-name": Text(
        "{member} heeft een naam die in geen BAG-extract voorkomt (absoluut, met '..', backslash, schijfletter of stuurteken); er is niets uit gelezen.",
        "{member} has a name that no BAG extract uses (absolute, with '..', a backslash, a drive or a control character); nothing is read from it.",
    ),
    "zip-duplicate-name": Text("{member} komt meer dan eens voor in hetzelfde zipbestand.", "{member} occurs more than once in the same zip file."),
    "zip-encrypted": Text(
        "{member} is versleuteld; het Kadaster levert extracten zonder wachtwoord.", "{member} is encrypted; Kadaster delivers extracts without a password."
    ),
    "zip-method-refused": Text(
        "{member} is ingepakt met methode {method}; een BAG-extract gebruikt alleen stored en deflate.",
        "{member} is packed with compression method {method}; a BAG extract only uses stored and deflate.",
    ),
    "zip-too-deep": Text(
        "{member} is een zipbestand meer dan {limit} zipbestanden diep; importeer het bestand zoals het Kadaster het levert.",
        "{member} is a zip file more than {limit} zip files deep; import the file as Kadaster delivers it, not packed again.",
    ),
    "zip-too-many-members": Text(
        "{member} brengt het aantal bestanden in het extract boven de grens van {limit}.",
        "{member} brings the number of files in the extract over the limit of {limit}.",
    ),
    "zip-bomb": Text(
        "{member} wordt uitgepakt groter dan is toegestaan: {limit_name} is {limit}.", "{member} unpacks to more than is allowed: {limit_name} is {limit}."
    ),
    "xml-malformed": Text("{member} is geen welgevormde XML: {reason}.", "{member} is not well-formed XML: {reason}."),
    "xml-doctype-refused": Text(
        "{member} heeft een documenttypedeclaratie (DOCTYPE), die een BAG-extract nooit heeft; zij kan entiteiten definiëren.",
        "{member} has a document type declaration (DOCTYPE), which a BAG extract never has; it could define entities.",
    ),
    "xml-encoding-refused": Text("{member} is geen UTF-8 maar {encoding}.", "{member} is not UTF-8 but {encoding}."),
    "xml-unexpected-root": Text(
        "{member} begint met {root} en niet met {expected}. Mutatieleveringen en BAG 1.0 kunnen niet worden geïmporteerd.",
        "{member} starts with {root}, not with {expected}. Mutation deliveries and BAG 1.0 can't be imported.",
    ),
    "xml-object-too-large": Text(
        "{member} heeft meer dan {limit} bytes zonder een compleet BAG-object.", "{member} has more than {limit} bytes without a complete BAG object."
    ),
    "bag-nothing-found": Text("{path} bevat niets van een BAG 2.0-extract.", "{path} holds nothing of a BAG 2.0 extract."),
    "bag-part-missing": Text(
        "Het extract heeft geen {parts}; zonder dat is geen woning compleet te maken.",
        "The extract has no {parts}; without it no complete dwelling can be made.",
    ),
    "bag-value-invalid": Text(
        "{member}: object {object_id} heeft {value!r} als {field}, wat BAG 2.0 niet toestaat.",
        "{member}: object {object_id} has {value!r} as {field}, which BAG 2.0 does not allow.",
    ),
    # Faults: one for each field, cell or question.
    "required": Text("Dit veld is verplicht.", "This field is required."),
    "null": Text("Dit veld mag niet leeg (null) zijn.", "This field may not be null."),
    "unknown-field": Text("Dit veld is onbekend.", "This field is unknown."),
    "not-an-object": Text("Verwacht een object.", "Expected an object."),
    "not-a-list": Text("Verwacht een lijst.", "Expected a list."),
    "not-text": Text("Verwacht tekst.", "Expected text."),
    "not-a-number": Text("Verwacht een getal.", "Expected a number."),
    "not-a-whole-number": Text("Verwacht een geheel getal.", "Expected a whole number."),
    "number-too-large": Text("Dit getal is te groot.", "This number is too large."),
    "not-true-or-false": Text("Verwacht true of false.", "Expected true or false."),
    "not-a-date": Text("Verwacht een datum als 2026-03-31.", "Expected a date such as 2026-03-31."),
    "not-a-moment": Text(
        "Verwacht een tijdstip met tijdzone, zoals 2026-03-31T09:30:00Z.", "Expected a moment with a time zone, such as 2026-03-31T09:30:00Z."
    ),
    "not-a-uuid": Text("Verwacht een UUID.", "Expected a UUID."),
    "not-one-of": Text("Verwacht een van: {allowed}.", "Expected one of: {allowed}."),
    "too-short": Text("Te kort: minstens {min}.", "Too short: at least {min}."),
    "too-long": Text("Te lang: hoogstens {max}.", "Too long: at most {max}."),
    "too-small": Text("Te klein: minstens {min}.", "Too small: at least {min}."),
    "too-big": Text("Te groot: hoogstens {max}.", "Too large: at most {max}."),
    "wrong-form": Text("Verwacht de vorm {form}.", "Expected the form {form}."),
    "nul-character": Text("Het teken NUL mag niet in tekst staan.", "The NUL character is not allowed in text."),
    "malformed-json": Text("Dit is geen geldige JSON.", "This is not valid JSON."),
    "bad-cursor": Text("Deze cursor is niet door dit register uitgegeven.", "This cursor was not issued by this register."),
    "repeated": Text("Dit komt meer dan eens voor: {value}.", "This occurs more than once: {value}."),
    "municipality-stays": Text(
        "Alleen wie de woning heeft geregistreerd, verplaatst haar naar een andere gemeente.",
        "Only who registered the dwelling moves it to another municipality.",
    ),
    "no-such-reference": Text("{what} {id} bestaat niet.", "{what} {id} does not exist."),
    "bag-id-wrong-type": Text("Een {type} heeft een BAG-id met {digits} op plaats 5 en 6.", "A BAG id of a {type} has {digits} in places 5 and 6."),
    "bag-id-taken": Text("BAG-id {bag_id} hoort al bij woning {id}.", "BAG id {bag_id} already belongs to dwelling {id}."),
    "in-use-elsewhere": Text(
        "Het id of het BAG-id is al in gebruik voor iets wat u niet kunt zien.", "The id or the BAG id is in use already for something that you can't see."
    ),
    "bag-id-without-type": Text("Een BAG-id en een BAG-objecttype horen bij elkaar.", "A BAG id and a BAG object type belong together."),
    "position-outside": Text("Dit punt ligt niet in Nederland.", "This point is not in the Netherlands."),
    "focus-area-elsewhere": Text(
        "Focusgebied {focus_area} ligt niet in gemeente {municipality}.", "Focus area {focus_area} is not in municipality {municipality}."
    ),
    "municipality-required": Text("Een gemeente als organisatie heeft een gemeentecode nodig.", "A municipality as an organisation needs a municipality code."),
    "outside-your-municipality": Text("Dit ligt niet in uw gemeente.", "This is not in your municipality."),
    "future-date": Text("{kind} kan niet in de toekomst liggen ({effective_on}).", "{kind} can't lie in the future ({effective_on})."),
    "date-too-early": Text(
        "{effective_on} is te vroeg: het programma telt vanaf {earliest}.", "{effective_on} is too early: the programme counts from {earliest}."
    ),
    "completed-before-started": Text(
        "Het spoor {track} is op {completed_on} gereed gemeld, vóór de start op {started_on}.",
        "The track {track} is completed on {completed_on}, before its start on {started_on}.",
    ),
    "completed-without-start": Text("Het spoor {track} is gereed gemeld zonder start.", "The track {track} is completed without a start."),
    "after-cancellation": Text(
        "Na de annulering van het spoor {track} op {cancelled_on} kan er niets meer gebeuren.",
        "Nothing can happen on the track {track} after its cancellation on {cancelled_on}.",
    ),
    "cancelled-after-completion": Text(
        "Het spoor {track} is gereed en kan niet meer worden geannuleerd.", "The track {track} is completed and can't be cancelled."
    ),
    "milestone-already-reported": Text(
        "{kind} op het spoor {track} is al gemeld (mijlpaal {id}): corrigeer die mijlpaal.",
        "{kind} on the track {track} is already reported (milestone {id}): correct that milestone.",
    ),
    "milestone-superseded": Text("Mijlpaal {id} is al vervangen; corrigeer de nieuwste.", "Milestone {id} is already superseded; correct the newest one."),
    "nothing-to-correct": Text("De correctie verandert niets.", "The correction changes nothing."),
    "wrong-label-date": Text("Een energielabel kan niet in de toekomst zijn opgenomen.", "An energy label can't be surveyed in the future."),
    "checklist-frozen": Text(
        "Checklist {key} editie {edition} is gepubliceerd en staat vast: geef een hogere editie uit.",
        "Checklist {key} edition {edition} is published and frozen: issue a higher edition.",
    ),
    "unknown-question": Text("Deze checklist heeft geen vraag {question}.", "This checklist has no question {question}."),
    "question-not-asked": Text(
        "Vraag {question} wordt bij deze antwoorden niet gesteld; haal het antwoord weg.",
        "Question {question} is not asked with these answers; remove its answer.",
    ),
    "answer-required": Text("Vraag {question} is nog niet beantwoord.", "Question {question} is not answered yet."),
    "answer-wrong-type": Text(
        "Het antwoord op {question} past niet bij een vraag van het type {type}.", "The answer to {question} does not fit a question of the type {type}."
    ),
    "answer-not-an-option": Text("{value} is geen keuze bij vraag {question}: {allowed}.", "{value} is not a choice of question {question}: {allowed}."),
    "answer-out-of-range": Text("Het antwoord op {question} ligt buiten {min} tot {max}.", "The answer to {question} is outside {min} to {max}."),
    "photos-missing": Text("Vraag {question} heeft {declared} van de minstens {min} foto's.", "Question {question} has {declared} of at least {min} photos."),
    "share-too-long": Text("Kies een moment in de toekomst, hoogstens {days} dagen vanaf nu.", "Choose a moment in the future, at most {days} days from now."),
    "too-many-photos": Text("Een opname heeft hoogstens {max} foto's.", "An inspection has at most {max} photos."),
    # Why a photo is rejected.
    "not-an-image": Text(
        "Dit bestand is geen foto in een formaat dat camera's maken (JPEG, HEIC, PNG, WebP). Maak de foto opnieuw met de camera van de telefoon.",
        "This file is no photo in a format that cameras make (JPEG, HEIC, PNG, WebP). Take the photo again with the camera of the phone.",
    ),
    "damaged": Text(
        "Deze foto is beschadigd of houdt halverwege op, en zo stond hij ook op de telefoon. Gaat hij daar nog open, bewaar hem dan als nieuw bestand en "
        "verstuur dat; maak anders een nieuwe foto.",
        "This photo is damaged or stops half-way, and so it was on the phone. If it still opens there, save it as a new file and send that; "
        "otherwise take a new photo.",
    ),
    "too-many-pixels": Text(
        "Deze foto heeft meer beeldpunten dan het register verwerkt. Maak hem opnieuw met een lagere resolutie; die van een gewone telefoonfoto is ruim "
        "voldoende.",
        "This photo has more pixels than the register processes. Take it again at a lower resolution; that of an ordinary phone photo is ample.",
    ),
    "decoder-gave-up": Text(
        "Dit bestand kost zoveel geheugen of rekentijd dat het verwerken ervan is gestaakt. Maak een nieuwe foto met de camera van de telefoon.",
        "This file takes so much memory or time that processing it was given up. Take a new photo with the camera of the phone.",
    ),
    "photo-declared-otherwise": Text("Foto {id} is al aangemeld met andere gegevens.", "Photo {id} is already declared with other particulars."),
    "visit-not-done": Text("Een opname zonder bezoek kan geen antwoorden indienen.", "An inspection without a visit can't submit answers."),
    "unknown-definition": Text("Er is geen definitie {definition}.", "There is no definition {definition}."),
}


DUTCH: dict[str, str] = {
    "municipality": "gemeente",
    "focus area": "focusgebied",
    "focus_area": "focusgebied",
    "organisation": "organisatie",
    "dwelling": "woning",
    "trajectory": "traject",
    "milestone": "mijlpaal",
    "milestone in force": "geldende mijlpaal",
    "project": "project",
    "scheme": "regeling",
    "checklist": "checklist",
    "inspection": "opname",
    "photo": "foto",
    "legal hold": "vernietigingsstop",
    "destruction of photo": "vernietiging van foto",
    "definition": "definitie",
    "acquisition": "verwerving",
    "renovation": "renovatie",
    "sustainability": "verduurzaming",
    "demolition": "sloop",
    "construction": "nieuwbouw",
    "planned": "gepland",
    "started": "gestart",
    "completed": "gereed",
    "cancelled": "geannuleerd",
    "applied": "toegepast",
    "occupiable-object": "verblijfsobject",
    "pitch": "standplaats",
    "mooring": "ligplaats",
    "inspector": "inspecteur",
    "reviewer": "beoordelaar",
    "corporation-editor": "medewerker corporatie",
    "municipality-editor": "medewerker gemeente",
    "ministry-analyst": "analist ministerie",
    "ministry-auditor": "controleur ministerie",
    "administrator": "beheerder",
}
"""Words of the register that fill a Dutch sentence, as in docs/glossary.md."""
_TRANSLATED = frozenset({"what", "kind", "track", "type"})


def text(code: str, language: Language, facts: Mapping[str, object]) -> str:
    """The sentence for ``code``. Raises KeyError for an unknown code or a missing fact: both are mistakes of ours."""
    words = {name: DUTCH.get(str(fact), fact) if language == "nl" and name in _TRANSLATED else fact for name, fact in facts.items()}
    return getattr(TEXTS[code], language).format_map(words)  # type: ignore[no-any-return]
