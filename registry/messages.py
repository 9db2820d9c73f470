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
        "De woning heeft in een deel van die periode al een andere eigenaar, of een andere beheerder.",
        "The dwelling has another owner, or another manager, already in part of that period.",
    ),
    "portfolio-twice": Text(
        "De corporatie heeft deze woning in een deel van die periode al, als eigenaar of als beheerder.",
        "The corporation has this dwelling already in part of that period, as its owner or as its manager.",
    ),
    "not-in-portfolio": Text(
        "De woning is op {on} niet (zo) in de portefeuille van wie haar overdraagt.",
        "On {on} the dwelling is not (in that relation) in the portfolio of whoever transfers it.",
    ),
    "transfer-to-itself": Text("Een corporatie draagt niet aan zichzelf over.", "A corporation does not transfer to itself."),
    "dwelling-not-kept": Text(
        "U ziet deze woning omdat u een opvolger ervan hebt; erover schrijven kan wie de woning zelf heeft.",
        "You see this dwelling because you have one that came after it; who has the dwelling itself writes about it.",
    ),
    "succession-in-future": Text("Een opvolging die nog moet komen, wordt niet vastgelegd.", "A succession that is still to come is not recorded."),
    "succession-in-circle": Text("Een woning zou zo zichzelf opvolgen.", "A dwelling would come before itself by this."),
    "too-few-dwellings": Text("Bij {kind} horen er hier ten minste {least}.", "Of {kind} there are at least {least} here."),
    "too-many-dwellings": Text("Bij {kind} horen er hier ten hoogste {most}.", "Of {kind} there are at most {most} here."),
    "dwelling-ended": Text("Woning {id} is er sinds {ended_on} niet meer.", "Dwelling {id} is no more since {ended_on}."),
    "dwelling-came-later": Text("Woning {id} is er pas sinds {came_on}.", "Dwelling {id} is there since {came_on} only."),
    "bag-id-of-no-re-keying": Text(
        "Een nieuw BAG-id hoort bij de omnummering van één woning die dezelfde blijft.",
        "A new BAG id belongs to the re-keying of one dwelling that stays the same one.",
    ),
    "bag-id-of-no-dwelling": Text(
        "Dit is geen BAG-id van een verblijfsobject, standplaats of ligplaats.", "This is no BAG id of an occupiable object, pitch or mooring."
    ),
    "no-bag-id-to-change": Text("De woning heeft nog geen BAG-id; wijzig dan de woning zelf.", "The dwelling has no BAG id yet; amend the dwelling itself."),
    "bag-id-is-the-same": Text("De woning heeft dit BAG-id al.", "The dwelling has this BAG id already."),
    "bag-id-changed-since": Text(
        "Het BAG-id van woning {id} is sindsdien nog eens gewijzigd; zet dat eerst terug.",
        "The BAG id of dwelling {id} was changed once more since; put that back first.",
    ),
    "lineage-of-no-dwelling": Text(
        "Noem de woning waarvan u ook de voorgangers en opvolgers bedoelt.", "Name the dwelling whose predecessors and successors you mean too."
    ),
    "token-invalid": Text("Dit toegangstoken wordt hier niet geaccepteerd: meld u opnieuw aan.", "This access token is not accepted here: sign in again."),
    "token-expired": Text(
        "Dit toegangstoken is verlopen: haal een nieuw token op of meld u opnieuw aan.",
        "This access token has expired: fetch a new token or sign in again.",
    ),
    "ministry-has-no-webhooks": Text(
        "Het ministerie heeft geen webhooks: wie inziet wat niet van de eigen organisatie is, zegt telkens waarom, en dat kan een programma niet. "
        "Cijfers staan open onder /v1/tallies.",
        "The ministry has no webhooks: whoever looks at what is not her organisation's says why each time, and a program can't. "
        "Figures are there at /v1/tallies.",
    ),
    "webhook-ended": Text("Deze webhook is beëindigd: maak een nieuwe.", "This webhook has ended: make a new one."),
    "too-many-webhooks": Text("Een organisatie heeft hoogstens {most} webhooks.", "An organisation has at most {most} webhooks."),
    "too-many-secrets": Text(
        "Er gelden al {most} geheimen tegelijk: wacht tot er een is verlopen.", "There are {most} secrets in force already: wait until one has expired."
    ),
    "webhook-url-wrong": Text("Dit is geen webadres waar een webhook heen kan.", "This is no web address that a webhook can go to."),
    "webhook-url-https": Text("Een webhook gaat alleen over https.", "A webhook goes over https only."),
    "webhook-url-user": Text(
        "Zet geen gebruikersnaam of wachtwoord in het adres: afleveringen zijn ondertekend.",
        "Put no user name or password in the address: deliveries are signed.",
    ),
    "webhook-url-fragment": Text("Zet geen # in het adres.", "Put no # in the address."),
    "webhook-url-port": Text("Poort {port} mag niet: alleen 443 en 1024 tot 65535.", "Port {port} may not be: only 443 and 1024 to 65535."),
    "webhook-url-host": Text(
        "{host} is geen naam van een computer op internet, zoals hooks.voorbeeld.nl.",
        "{host} is no name of a computer on the internet, such as hooks.example.com.",
    ),
    "webhook-url-private": Text(
        "{host} is geen openbaar adres. Wie het register beheert kan een netwerk toestaan.",
        "{host} is no public address. Whoever runs the register can allow a network.",
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
        "Deze opname is intussen gewijzigd, staat vast of is niet meer van u. Wat u stuurde is bewaard, naast wat het register heeft; iemand moet kiezen.",
        "This inspection changed meanwhile, stands, or is not yours any more. What you sent is kept beside what the register has; a person has to choose.",
    ),
    "conflict-resolved": Text("Over dit conflict is al beslist: {resolution}.", "This conflict is decided already: {resolution}."),
    "edit-id-reused": Text(
        "Wijziging {id} is al met een andere inhoud gestuurd: geef elke wijziging een eigen editId.",
        "Edit {id} was sent with other content before: give each edit an editId of its own.",
    ),
    "another-checklist": Text(
        "Dit is een uitgave van checklist {key}, en de opname is met een andere gepland.",
        "This is an edition of checklist {key}, and the inspection is planned with another one.",
    ),
    "return-it-first": Text(
        "De opname staat vast: geef haar eerst terug, dan kan deze versie haar plaats innemen.",
        "The inspection stands: return it first, then this version can take its place.",
    ),
    "cursor-of-another-register": Text(
        "Deze cursor is van voordat het register is teruggezet uit een back-up of verhuisd. Begin opnieuw: vraag zonder cursor, en vervang wat u had.",
        "This cursor is from before the register was restored from a backup or moved. Start anew: ask without a cursor, and replace what you had.",
    ),
    "inspection-submitted": Text("Deze opname is al ingediend en staat vast.", "This inspection is already submitted and can't be changed."),
    "inspection-withdrawn": Text("Deze opname is ingetrokken: {reason}", "This inspection was withdrawn: {reason}"),
    "inspection-not-submitted": Text(
        "Er is niets te beoordelen: de opname is niet ingediend, of al anders beoordeeld (status {status}).",
        "There is nothing to review: the inspection is not submitted, or reviewed already and otherwise (status {status}).",
    ),
    "own-inspection": Text("Niemand beoordeelt een opname die zij zelf heeft ingediend.", "Nobody reviews an inspection that she submitted herself."),
    "nothing-to-compare": Text("Van deze woning is geen eerdere nulmeting ingediend.", "No earlier baseline inspection of this dwelling was submitted."),
    "inspection-taken": Text(
        "Deze opname is al door een ander genomen, of aan een ander toegewezen.", "This inspection was taken by somebody else already, or assigned to her."
    ),
    "nobody-to-hand-back-to": Text(
        "Deze opname is niet voor een team van u gepland: vraag wie haar plande om iemand anders.",
        "This inspection was not planned for a team of yours: ask who planned it for somebody else.",
    ),
    "no-visit-in-vain": Text(
        "Het bezoek is uitgevoerd of nog niet ingediend: er is geen volgend bezoek nodig.",
        "The visit was carried out, or is not submitted yet: no next visit is needed.",
    ),
    "next-visit-planned": Text("Het volgende bezoek is al gepland: opname {id}.", "The next visit is planned already: inspection {id}."),
    "team-name-taken": Text("De organisatie heeft al een team met deze naam.", "The organisation has a team with this name already."),
    "file-refused": Text("Dit bestand is niet te lezen.", "This file can't be read."),
    "csv-refused": Text("Het bestand bevat {count} fout(en); er is niets van gepland.", "The file has {count} fault(s); nothing of it was planned."),
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
    "no-such-day": Text("Deze dag bestaat niet; verwacht een datum als 2026-03-31.", "There is no such day; expected a date such as 2026-03-31."),
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
    "box-turned-over": Text(
        "De oostrand ligt westelijk van de westrand, of de noordrand zuidelijk van de zuidrand.",
        "The east lies west of the west, or the north south of the south.",
    ),
    "box-too-large": Text("Het vak is te groot: hoogstens {max} graden per kant.", "The box is too large: at most {max} degrees each way."),
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
    "measure-superseded": Text(
        "Maatregel {id} is al gecorrigeerd of ingetrokken; corrigeer de nieuwste.", "Measure {id} was corrected or retracted already; correct the newest one."
    ),
    "unit-does-not-fit": Text("De hoeveelheid van {kind} staat in {fits}.", "The quantity of {kind} is told in {fits}."),
    "too-many-measures": Text("Een traject heeft ten hoogste {max} maatregelen.", "A trajectory has at most {max} measures."),
    "too-many-documents": Text("Een traject heeft ten hoogste {max} documenten.", "A trajectory has at most {max} documents."),
    "no-such-document": Text(
        "Document {id} hoort niet bij dit traject, is nog niet aangekomen of is ingetrokken.",
        "Document {id} does not belong to this trajectory, has not arrived yet, or was withdrawn.",
    ),
    "document-bytes-missing": Text(
        "Het document is nog niet aangekomen: stuur de inhoud met PUT naar …/content.",
        "The document has not arrived yet: send its content with PUT to …/content.",
    ),
    "document-bytes-differ": Text(
        "Dit zijn niet de aangemelde bytes: verwacht {expected}, gevonden {found}.", "These are not the declared bytes: expected {expected}, found {found}."
    ),
    "document-interrupted": Text("Het document kwam niet helemaal aan; stuur het opnieuw.", "The document did not arrive as a whole; send it again."),
    "document-gone": Text(
        "Document {id} is ingetrokken; de inhoud is niet meer op te vragen.", "Document {id} was withdrawn; its content can't be fetched any more."
    ),
    "nothing-to-correct": Text("De correctie verandert niets.", "The correction changes nothing."),
    "only-of-a-plan": Text(
        "Alleen van een geplande mijlpaal kan worden gezegd sinds wanneer het plan er is; deze is {kind}.",
        "Since when there is a plan can be said of a planned milestone only; this one is {kind}.",
    ),
    "milestone-not-confirmed": Text("Mijlpaal {id} is niet bevestigd.", "Milestone {id} is not confirmed."),
    "evidence-missing": Text(
        "Regeling {scheme} vraagt voor {kind} op het spoor {track} eerst bewijs dat er nog niet is: {type}.",
        "Scheme {scheme} asks for evidence of {kind} on the track {track} that is not there yet: {type}.",
    ),
    "document-kind-missing": Text("Noem de soort van het document dat wordt gevraagd.", "Name the kind of the document that is asked for."),
    "document-kind-of-document": Text("Alleen bij een gevraagd document hoort een documentsoort.", "Only a document that is asked for has a document kind."),
    "demand-on-cancellation": Text("Voor een annulering kan geen bewijs worden gevraagd.", "No evidence can be asked for a cancellation."),
    "wrong-label-date": Text("Een energielabel kan niet in de toekomst zijn opgenomen.", "An energy label can't be surveyed in the future."),
    "checklist-frozen": Text(
        "Checklist {key} editie {edition} is gepubliceerd en staat vast: geef een hogere editie uit.",
        "Checklist {key} edition {edition} is published and frozen: issue a higher edition.",
    ),
    "xlsform-unreadable": Text("Dit bestand is niet als XLSForm te lezen.", "This file can't be read as an XLSForm."),
    "checklist-not-published": Text(
        "Checklist {key} uitgave {edition} is nog een concept: er is niets om buiten gebruik te stellen.",
        "Checklist {key} edition {edition} is still a draft: there is nothing to take out of use.",
    ),
    "edition-taken": Text("Er is al een checklist met deze sleutel en uitgave.", "There is a checklist with this key and edition already."),
    "edition-too-low": Text(
        "Van checklist {key} is uitgave {highest} de hoogste: geef deze een hoger nummer.",
        "Edition {highest} of checklist {key} is the highest: give this one a higher number.",
    ),
    "too-deep": Text("Te diep genest: hoogstens {max} niveaus.", "Nested too deep: at most {max} levels."),
    "broken-character": Text("Hier staat een half teken (surrogaat), dat geen tekst is.", "Here stands half a character (a surrogate), which is no text."),
    "unknown-part": Text("{name} is hier onbekend; wel kan: {allowed}.", "{name} is unknown here; allowed are: {allowed}."),
    "text-missing": Text(
        "De tekst in taal {language} ontbreekt: elke tekst is er in nl en in en.", "The text in {language} is missing: every text is there in nl and in en."
    ),
    "unquoted-yes": Text(
        "Zet {value} tussen aanhalingstekens; bedoelt u ja of nee als instelling, schrijf dan true of false.",
        "Put {value} in quotes; when you mean it as a setting, write true or false.",
    ),
    "unquoted": Text("Zet dit tussen aanhalingstekens: zonder is het in YAML geen tekst.", "Put this in quotes: without them it is no text in YAML."),
    "yaml-malformed": Text("Dit is geen geldige YAML: {reason}.", "This is not valid YAML: {reason}."),
    "yaml-alias": Text(
        "Ankers en verwijzingen (& en *) mogen hier niet: schrijf het uit.", "Anchors and aliases (& and *) are not allowed here: write it out."
    ),
    "yaml-tag": Text("Een type met ! mag hier niet.", "A type with ! is not allowed here."),
    "yaml-second-document": Text("Eén bestand is één checklist: haal dit tweede document weg.", "One file is one checklist: remove this second document."),
    "yaml-key-not-text": Text("De naam van een onderdeel is hier tekst.", "The name of a part is text here."),
    "range-empty": Text("De ondergrens {min} ligt boven de bovengrens {max}.", "The lower bound {min} is above the upper bound {max}."),
    "condition-on-later": Text(
        "Vraag {question} komt pas later: een voorwaarde gaat over een vraag die eerder is gesteld.",
        "Question {question} comes later: a condition is about a question that was asked before.",
    ),
    "condition-in-circle": Text(
        "Of vraag {question} wordt gesteld, hangt weer van deze vraag af.", "Whether question {question} is asked depends on this question again."
    ),
    "condition-does-not-fit": Text(
        "Deze voorwaarde past niet bij vraag {question} van het type {type}.", "This condition does not fit question {question} of the type {type}."
    ),
    "never-asked": Text(
        "Vraag {question} wordt nooit gesteld: haar voorwaarden spreken elkaar tegen.",
        "Question {question} is never asked: its conditions contradict each other.",
    ),
    "too-many-questions": Text("Een checklist heeft hoogstens {max} vragen.", "A checklist has at most {max} questions."),
    "content-or-yaml": Text("Stuur óf content óf yaml.", "Send either content or yaml."),
    # Of an XLSForm: why it can't be read, and what of it a checklist says less or otherwise.
    "xlsform-not-xlsx": Text("Dit is geen .xlsx-bestand zoals een spreadsheetprogramma het maakt.", "This is no .xlsx file as a spreadsheet program makes it."),
    "xlsform-too-large": Text("Dit bestand is groter dan een formulier mag zijn ({limit}).", "This file is larger than a form may be ({limit})."),
    "xlsform-no-survey": Text("Dit is geen XLSForm: het blad survey ontbreekt.", "This is no XLSForm: the sheet survey is missing."),
    "xlsform-refused": Text("Dit XLSForm klopt zelf niet: {reason}", "This XLSForm itself is not right: {reason}"),
    "xlsform-sheet": Text("Dit blad kan een checklist niet uitdrukken.", "A checklist can't express this sheet."),
    "xlsform-setting": Text("Deze instelling heeft een checklist niet.", "A checklist does not have this setting."),
    "xlsform-version": Text(
        "Een uitgave is een geheel getal van 1 tot 9999; dit is uitgave {edition} geworden.",
        "An edition is a whole number from 1 to 9999; this became edition {edition}.",
    ),
    "xlsform-language-missing": Text(
        "De tekst in taal {language} ontbreekt en is overgenomen uit de andere taal: vertaal haar.",
        "The text in {language} is missing and was taken from the other language: translate it.",
    ),
    "xlsform-other-language": Text("Een checklist heeft geen teksten in taal {language}.", "A checklist has no texts in the language {language}."),
    "xlsform-cut": Text("Deze tekst is afgekapt op {max} tekens.", "This text was cut to {max} characters."),
    "xlsform-reference-in-text": Text(
        "Een verwijzing naar een antwoord wordt in een tekst niet ingevuld: schrijf het anders.",
        "A reference to an answer is not filled in inside a text: put it otherwise.",
    ),
    "xlsform-group-in-group": Text(
        "Een groep in een groep is een eigen onderdeel geworden, met de voorwaarden van beide.",
        "A group in a group became a section of its own, with the conditions of both.",
    ),
    "xlsform-repeat": Text("Een herhaling kan een checklist niet: dit is niet overgenomen.", "A checklist can't repeat questions: this was not taken over."),
    "xlsform-note": Text(
        "Een mededeling staat in een checklist alleen zonder voorwaarde boven een onderdeel: deze is niet overgenomen.",
        "A note in a checklist stands only above a section, without a condition: this one was not taken over.",
    ),
    "xlsform-disabled": Text("Deze vraag staat uit en is niet overgenomen.", "This question is switched off and was not taken over."),
    "xlsform-renamed": Text("Deze naam is in de checklist {key} geworden.", "This name became {key} in the checklist."),
    "xlsform-constraint": Text(
        "Deze grens kan een checklist niet uitdrukken ({part}): elk antwoord mag.", "A checklist can't express this constraint ({part}): any answer is allowed."
    ),
    "xlsform-metadata": Text(
        "Dit legt het register zelf vast, of het vraagt er niet om; het is niet overgenomen.",
        "The register records this itself, or does not ask for it; it was not taken over.",
    ),
    "xlsform-type": Text(
        "Dit type vraag kent een checklist niet: zij is niet overgenomen.", "A checklist does not know this type of question: it was not taken over."
    ),
    "xlsform-or-other": Text(
        "De keuze ‘anders’ is niet toegevoegd: zet haar zelf bij de keuzen.", "The choice ‘other’ was not added: put it among the options yourself."
    ),
    "xlsform-one-option": Text("Een keuze uit één mogelijkheid is aankruisen geworden (several).", "A choice of one option became a box to tick (several)."),
    "xlsform-expression": Text(
        "Verplicht onder een voorwaarde kan een checklist niet ({part}): de vraag is niet verplicht.",
        "A checklist can't require under a condition ({part}): the question is not required.",
    ),
    "xlsform-relevant": Text(
        "Deze voorwaarde kan een checklist niet uitdrukken ({part}): de vraag wordt altijd gesteld.",
        "A checklist can't express this condition ({part}): the question is always asked.",
    ),
    "xlsform-parameters": Text("Deze parameters zijn niet of niet helemaal overgenomen.", "These parameters were not, or not wholly, taken over."),
    "xlsform-choice-filter": Text(
        "Keuzen hangen in een checklist niet van een ander antwoord af: alle worden getoond.",
        "Options don't depend on another answer in a checklist: all are shown.",
    ),
    "xlsform-appearance": Text(
        "Hoe een vraag eruitziet bepaalt de telefoon: dit is niet overgenomen.", "How a question looks is up to the phone: this was not taken over."
    ),
    "xlsform-column": Text("Deze kolom heeft een checklist niet: dit is niet overgenomen.", "A checklist does not have this column: this was not taken over."),
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
    "answer-too-precise": Text(
        "Het antwoord op {question} heeft hoogstens {decimals} cijfers achter de komma.",
        "The answer to {question} has at most {decimals} digits after the point.",
    ),
    # Reports.
    "report-needs-submission": Text(
        "Van deze inspectie is nog niets ingediend, dus is er geen rapport.", "Nothing of this inspection was submitted yet, so there is no report."
    ),
    "report-failed": Text(
        "Het rapport kon niet worden gemaakt. Het wordt later opnieuw geprobeerd; blijft dit zo, meld het dan aan de beheerder.",
        "The report could not be made. It is tried again later; if this stays so, tell whoever runs the register.",
    ),
    # Of a condition answer (NEN 2767).
    "unknown-defect": Text("{defect} is geen gebrek dat deze vraag kent: {allowed}.", "{defect} is no defect that this question offers: {allowed}."),
    "too-many-defects": Text("Een bouwdeel heeft hier hoogstens {max} gebreken.", "A building part has at most {max} defects here."),
    "extent-required": Text(
        "Geef de omvang: als percentage (extentPercent) of als klasse 1 tot 5 (extent).",
        "Give the extent: as a percentage (extentPercent) or as a class 1 to 5 (extent).",
    ),
    "extent-twice": Text("Geef de omvang als percentage of als klasse, niet allebei.", "Give the extent as a percentage or as a class, not both."),
    "extent-percent-required": Text(
        "Bij meer dan één gebrek is van elk gebrek het percentage nodig.", "With more than one defect the percentage of each defect is needed."
    ),
    "extent-out-of-range": Text("De omvang ligt boven 0 en is hoogstens 100 procent.", "The extent is above 0 and at most 100 per cent."),
    "extents-above-whole": Text(
        "De gebreken beslaan samen {sum} procent van het bouwdeel: meer dan het hele.",
        "The defects together cover {sum} per cent of the building part: more than all of it.",
    ),
    "replacement-value-out-of-range": Text(
        "De vervangingswaarde ligt boven 0 en is hoogstens {max} euro.", "The replacement value is above 0 and at most {max} euros."
    ),
    "not-present-with-defects": Text("Een bouwdeel dat er niet is, heeft geen gebreken.", "A building part that is not there has no defects."),
    "inspection-incomplete": Text(
        "Er worden nog foto's verwacht of gemist. Keur zonder die goed met acceptIncomplete en zeg in de opmerkingen waarom.",
        "Photos are still awaited or missing. Approve without them with acceptIncomplete, and say why in the remarks.",
    ),
    "evidence-when-approved": Text("Alleen een goedgekeurde opname is bewijs voor een mijlpaal.", "Only an approved inspection is evidence for a milestone."),
    "evidence-without-visit": Text(
        "De inspecteur is niet binnen geweest; de opname bewijst geen mijlpaal.", "The inspector was not inside; the inspection shows no milestone."
    ),
    "too-long-ago": Text("Vraag hoogstens {days} dagen terug.", "Ask for at most {days} days back."),
    # What to do about a photo that a phone still has.
    "send-the-photo": Text("De foto is aangemeld en nog niet aangekomen: verstuur hem.", "The photo is declared and has not arrived: send it."),
    "declare-the-photo": Text("Hier is deze foto niet bekend: meld hem aan en verstuur hem.", "This photo is not known here: declare it and send it."),
    "photo-differs": Text(
        "Hier staat een andere foto met dit kenmerk. Bewaar die op de telefoon en meld hem aan met een nieuw kenmerk.",
        "Another photo has this id here. Keep the one on the phone and declare it with a new id.",
    ),
    "not-comparable": Text("Vergelijk met een andere opname van dezelfde woning.", "Compare with another inspection of the same dwelling."),
    "photos-missing": Text("Vraag {question} heeft {declared} van de minstens {min} foto's.", "Question {question} has {declared} of at least {min} photos."),
    "defect-photos-missing": Text(
        "Gebrek {defect} bij vraag {question} heeft {declared} van de minstens {min} foto's.",
        "Defect {defect} of question {question} has {declared} of at least {min} photos.",
    ),
    # Of ODK Collect and Enketo.
    "not-in-a-form": Text(
        "Dit kan een formulier van ODK Collect of Enketo niet uitdrukken: {part}.", "No form of ODK Collect or Enketo can express this: {part}."
    ),
    "openrosa-unreadable": Text("Dit is geen ingevuld formulier ({problem}).", "This is no filled-in form ({problem})."),
    "openrosa-form-unknown": Text("Formulier {form} is hier niet bekend.", "Form {form} is not known here."),
    "openrosa-photos-of-former": Text(
        "Deze opname is niet meer van u, dus de foto's kunnen er niet bij. Gooi het formulier niet weg en vraag de planner wat er moet gebeuren.",
        "This inspection is not yours any more, so its photos can't be added. Don't throw the form away, and ask the planner what to do.",
    ),
    "openrosa-instance-differs": Text(
        "Met dit instanceID is al iets anders ontvangen. Dat blijft zoals het is; dit is niet opgeslagen.",
        "Something else was received with this instanceID. That stays as it is; this was not kept.",
    ),
    "openrosa-file-not-mentioned": Text("Het formulier noemt bestand {name} niet.", "The form does not mention file {name}."),
    "openrosa-file-empty": Text("Bestand {name} is leeg: maak de foto opnieuw.", "File {name} is empty: take the photo again."),
    "openrosa-file-no-image": Text("Bestand {name} is geen foto (JPEG, HEIC, PNG, WebP).", "File {name} is no photo (JPEG, HEIC, PNG, WebP)."),
    "openrosa-file-twice": Text("Bestand {name} staat er twee keer in.", "File {name} is in it twice."),
    "openrosa-photo-differs": Text(
        "Onder de naam {name} is al een andere foto ontvangen; die blijft zoals hij is.", "Another photo was received by the name {name}; it stays as it is."
    ),
    "openrosa-received": Text(
        "Ontvangen: {stored} foto('s) opgeslagen, {awaited} nog verwacht.", "Received: {stored} photo(s) stored, {awaited} still awaited."
    ),
    "openrosa-kept": Text(
        "Ontvangen en bewaard naast een andere versie van deze opname; iemand moet kiezen. {stored} foto('s) opgeslagen, {awaited} nog verwacht.",
        "Received and kept beside another version of this inspection; somebody has to choose. {stored} photo(s) stored, {awaited} still awaited.",
    ),
    "share-too-long": Text("Kies een moment in de toekomst, hoogstens {days} dagen vanaf nu.", "Choose a moment in the future, at most {days} days from now."),
    "too-many-photos": Text("Een opname heeft hoogstens {max} foto's.", "An inspection has at most {max} photos."),
    # Of plans, and of a file of them.
    "checklist-retired": Text(
        "Deze uitgave van de checklist is buiten gebruik: kies een nieuwere.", "This edition of the checklist is retired: choose a newer one."
    ),
    "not-a-team-there": Text("{id} is geen team van die organisatie.", "{id} is no team of that organisation."),
    "previous-of-another-dwelling": Text("Het vorige bezoek was aan een andere woning.", "The visit before was to another dwelling."),
    "next-visit-needs-basis": Text(
        "Het advies is om nu niet te gaan: zeg op grond waarvan het toch kan (toestemming, machtiging, gevaar weggenomen, juist adres).",
        "The advice is not to go there now: say on what basis it can be done (consent, authorisation, hazard dealt with, right address).",
    ),
    "csv-encoding": Text(
        "Het bestand is geen CSV in UTF-8, UTF-16 of Windows-1252. Kies in het rekenprogramma Opslaan als: CSV UTF-8.",
        "The file is no CSV in UTF-8, UTF-16 or Windows-1252. In the spreadsheet choose Save as: CSV UTF-8.",
    ),
    "csv-too-long": Text(
        "Vanaf hier heeft een cel of rij meer dan {max} tekens: waarschijnlijk is een aanhalingsteken niet gesloten.",
        "From here on a cell or row has more than {max} characters: a quotation mark is probably not closed.",
    ),
    "file-too-large": Text("Het bestand is groter dan {max} bytes: deel het op.", "The file is larger than {max} bytes: split it."),
    "file-kind": Text(
        "Dit is een {found}-bestand. Kies in het rekenprogramma Opslaan als: Excel-werkmap (.xlsx) of CSV UTF-8.",
        "This is a {found} file. In the spreadsheet choose Save as: Excel workbook (.xlsx) or CSV UTF-8.",
    ),
    "xlsx-encrypted": Text(
        "Deze werkmap is beveiligd met een wachtwoord: sla haar op zonder.", "This workbook is protected by a password: save it without one."
    ),
    "xlsx-damaged": Text(
        "Dit is geen .xlsx-bestand zoals een rekenprogramma het maakt. Open het daarin en sla het opnieuw op als .xlsx of CSV UTF-8.",
        "This is no .xlsx file as a spreadsheet makes it. Open it there and save it again as .xlsx or CSV UTF-8.",
    ),
    "xlsx-too-large": Text(
        "Deze werkmap is, uitgepakt, groter dan {max} bytes: deel haar op of sla haar op als CSV UTF-8.",
        "This workbook is, when unpacked, larger than {max} bytes: split it or save it as CSV UTF-8.",
    ),
    "xlsx-too-many-texts": Text(
        "Deze werkmap heeft te veel verschillende teksten (hoogstens {max}): deel haar op of sla haar op als CSV UTF-8.",
        "This workbook has too many different texts (at most {max}): split it or save it as CSV UTF-8.",
    ),
    "sheet-missing": Text("De werkmap heeft geen blad {sheet}. De bladen zijn: {known}.", "The workbook has no sheet {sheet}. Its sheets are: {known}."),
    "too-many-columns": Text("Het bestand heeft meer dan {max} kolommen.", "The file has more than {max} columns."),
    "csv-empty": Text("Het bestand heeft geen rijen onder de kop.", "The file has no rows under its header."),
    "csv-malformed": Text(
        "Hier klopt een aanhalingsteken niet; vanaf deze rij is het bestand niet te lezen.",
        "A quotation mark is wrong here; from this row on the file can't be read.",
    ),
    "csv-too-many-rows": Text("Het bestand heeft meer dan {max} rijen: deel het op.", "The file has more than {max} rows: split it."),
    "column-missing": Text("De kolom {column} ontbreekt.", "The column {column} is missing."),
    "column-unknown": Text("De kolom {column} is onbekend. Bekend zijn: {known}.", "The column {column} is unknown. Known are: {known}."),
    "column-repeated": Text("De kolom {column} komt meer dan eens voor.", "The column {column} occurs more than once."),
    "too-many-cells": Text("Deze rij heeft meer cellen dan de kop ({max}).", "This row has more cells than the header ({max})."),
    "cell-error": Text(
        "De cel bevat de foutwaarde {found} van het rekenprogramma: vul de bedoelde waarde in.",
        "The cell has the error {found} of the spreadsheet: fill in the value that was meant.",
    ),
    "cell-without-value": Text(
        "De cel bevat een formule zonder uitkomst: open het bestand in het rekenprogramma en sla het opnieuw op, of vul de waarde in.",
        "The cell has a formula without a result: open the file in the spreadsheet and save it again, or fill in the value.",
    ),
    "cell-rounded": Text(
        "Dit getal heeft meer dan 15 cijfers en is door het rekenprogramma afgerond: maak de kolom op als tekst en vul het opnieuw in.",
        "This number has more than 15 digits and was rounded by the spreadsheet: format the column as text and fill it in again.",
    ),
    "bag-id-rounded": Text(
        "Het rekenprogramma heeft van dit BAG-id een afgerond getal gemaakt: maak de kolom op als tekst en vul de 16 cijfers opnieuw in.",
        "The spreadsheet made a rounded number of this BAG id: format the column as text and fill in the 16 digits again.",
    ),
    "number-ambiguous": Text(
        "Dit getal is op twee manieren te lezen: schrijf 1250 of 1250,00 voor twaalfhonderdvijftig, 1,25 voor een en een kwart.",
        "This number can be read in two ways: write 1250 or 1250.00 for twelve hundred and fifty, 1.25 for one and a quarter.",
    ),
    "not-an-amount": Text("Verwacht een bedrag in euro's, als 1250,00.", "Expected an amount in euros, such as 1250.00."),
    "too-many-decimals": Text("Te veel cijfers achter de komma: hoogstens {max}.", "Too many decimals: at most {max}."),
    "date-short-year": Text("Verwacht een jaartal van vier cijfers: 2026-03-31 of 31-3-2026.", "Expected a year of four digits: 2026-03-31 or 31-3-2026."),
    "date-month-first": Text(
        "Deze datum heeft de maand voorop. Verwacht de dag eerst: 31-3-2026, of 2026-03-31.",
        "This date has its month first. Expected the day first: 31-3-2026, or 2026-03-31.",
    ),
    "date-as-number": Text(
        "Dit is het getal waarmee een rekenprogramma een datum bewaart: maak de kolom op als datum, of schrijf 2026-03-31.",
        "This is the number by which a spreadsheet keeps a date: format the column as date, or write 2026-03-31.",
    ),
    "not-yes-or-no": Text("Verwacht ja of nee.", "Expected yes or no."),
    "dwelling-not-named": Text(
        "Noem de woning: met een id, een BAG-id, of postcode en huisnummer.", "Name the dwelling: by its id, a BAG id, or postcode and house number."
    ),
    "dwelling-ambiguous": Text(
        "Op dit adres staan {count} woningen: vul huisletter en toevoeging in.", "There are {count} dwellings at this address: fill in letter and suffix."
    ),
    "another-dwelling": Text("Dit is van een andere woning dan de rij noemt.", "This is of another dwelling than the row names."),
    "row-repeated": Text("Deze rij gaat over hetzelfde als rij {first}.", "This row is about the same as row {first}."),
    # Of imports.
    "import-not-ready": Text(
        "Dit kan nu niet: de import is {status}.",
        "This can't be done now: the import is {status}.",
    ),
    "import-built-on": Text(
        "Er is verder gebouwd op wat deze import schreef ({count} keer); er is niets teruggedraaid.",
        "Something builds on what this import wrote ({count} times); nothing was undone.",
    ),
    "import-built-on-dwelling": Text(
        "Op woning {id} is verder gebouwd ({by}), of zij is sindsdien gewijzigd.", "Something builds on dwelling {id} ({by}), or it was changed since."
    ),
    "import-built-on-label": Text(
        "Op energielabel {id} berust een bevestiging, of de woning is niet meer van u.",
        "A confirmation rests on energy label {id}, or the dwelling is not yours any more.",
    ),
    "import-rows-refused": Text(
        "{refused} rijen zijn geweigerd, en u vroeg alles of niets: er is niets geschreven.",
        "{refused} rows are refused, and you asked for all or nothing: nothing was written.",
    ),
    "too-many-rows-about-one": Text("Meer dan {max} rijen gaan over hetzelfde.", "More than {max} rows are about the same thing."),
    "sender-gone": Text(
        "Wie het bestand stuurde of terug wilde draaien, werkt niet meer in die rol voor de organisatie: laat iemand anders het doen.",
        "Whoever sent the file or asked to undo it does not work for the organisation in that role any more: let somebody else do it.",
    ),
    "file-gone": Text("Het bestand is er niet meer: stuur het opnieuw.", "The file is not there any more: send it again."),
    "import-broke-off": Text(
        "De import is door een fout van het register afgebroken; wat al was opgeslagen, staat er nog. De beheerder ziet waarom.",
        "The import broke off through a mistake of the register; what was stored already is still there. Who runs it can see why.",
    ),
    "label-contradicts": Text("Rij {first} geeft voor dezelfde opname label {label}.", "Row {first} gives label {label} for the same survey."),
    # Objects of a BAG extract that become no dwelling.
    "bag-not-residential": Text("Het object heeft geen woonfunctie.", "The object has no residential use (woonfunctie)."),
    "bag-not-yet-built": Text("Het verblijfsobject is gevormd en nog niet in gebruik.", "The object was formed and is not in use yet."),
    "bag-not-realised": Text("Het verblijfsobject is nooit gerealiseerd.", "The object was never built."),
    "bag-withdrawn": Text("Het object is ingetrokken.", "The object was withdrawn."),
    "bag-recorded-in-error": Text("Het object is ten onrechte opgevoerd.", "The object was recorded in error."),
    "bag-duplicate": Text("Een oudere weergave van een object dat twee keer voorkomt.", "An older copy of an object that occurs twice."),
    "bag-address-missing": Text("De nummeraanduiding staat niet in het extract.", "Its address designation is not in the extract."),
    "bag-street-missing": Text("De openbare ruimte staat niet in het extract.", "Its street is not in the extract."),
    "bag-town-missing": Text("De woonplaats staat niet in het extract.", "Its town is not in the extract."),
    "bag-municipality-missing": Text(
        "De woonplaats hoort op de datum van het extract bij geen gemeente.", "Its town belongs to no municipality on the date of the extract."
    ),
    # Rows of imports: milestones and portfolios.
    "house-number-says-otherwise": Text("Achter het huisnummer staat iets anders: {said}.", "Behind the house number stands something else: {said}."),
    "address-with-other-additions": Text(
        "Dit adres bestaat niet zonder deze letter of toevoeging; {count} woningen hebben dit nummer, zoals {found}.",
        "This address does not exist with this letter and suffix; {count} dwellings have this number, such as {found}.",
    ),
    "milestone-not-said": Text(
        "De rij noemt geen mijlpaal: vul mijlpaal en datum in, of een datum in een kolom als Gestart op.",
        "The row says no milestone: fill in milestone and date, or a date in a column as Started on.",
    ),
    "milestone-said-twice": Text("De rij noemt deze mijlpaal twee keer.", "The row says this milestone twice."),
    "decided-without-plan": Text(
        "Dit hoort bij een geplande mijlpaal, en die noemt de rij niet.", "This belongs to a planned milestone, and the row says none."
    ),
    "amounts-for-schemes": Text(
        "Hier staan {amounts} bedragen bij {schemes} regelingen: geef elke regeling één bedrag, met een puntkomma ertussen.",
        "There are {amounts} amounts for {schemes} schemes: give each scheme one amount, between semicolons.",
    ),
    "money-said-otherwise": Text(
        "Het traject heeft van {scheme} ander geld, of niets. Een import wijzigt het geld van een traject niet; doe dat bij het traject zelf.",
        "The trajectory has other money of {scheme}, or none. An import does not change the money of a trajectory; do that at the trajectory itself.",
    ),
    "another-project": Text("Het traject hoort bij een ander project: {project}.", "The trajectory belongs to another project: {project}."),
    "name-ambiguous": Text(
        "Er is meer dan één met de naam {name}: {found}. Gebruik het kenmerk.", "There is more than one by the name {name}: {found}. Use the slug."
    ),
    "trajectory-ambiguous": Text(
        "Uw organisatie heeft hier {count} trajecten die bedoeld kunnen zijn: noem het traject-id of het project.",
        "Your organisation has {count} trajectories here that may be meant: give the trajectory id or the project.",
    ),
    "milestone-confirmed": Text(
        "De gemeente heeft {kind} op het spoor {track} bevestigd (mijlpaal {id}).",
        "The municipality has confirmed {kind} on the track {track} (milestone {id}).",
    ),
    "milestone-has-evidence": Text(
        "Een opname is sindsdien bewijs voor {kind} op het spoor {track} (mijlpaal {id}).",
        "An inspection is evidence since then for {kind} on the track {track} (milestone {id}).",
    ),
    "trajectory-built-on": Text("Bij traject {id} is sindsdien iets vastgelegd: {what}.", "Something was recorded about trajectory {id} since then: {what}."),
    "portfolio-period-changed": Text("Periode {id} is sindsdien gewijzigd.", "Period {id} was changed since then."),
    "portfolio-held": Text(
        "{corporation} heeft deze woning al, {relation}, van {from} tot {until}. Zet ja bij Overdracht als de woning overgaat.",
        "{corporation} has this dwelling already, as {relation}, from {from} until {until}. Say yes at Transfer if the dwelling passes on.",
    ),
    "portfolio-held-later": Text(
        "{corporation} heeft deze woning al, {relation}, van {from} tot {until}; een overdracht maakt alleen een lopende periode korter.",
        "{corporation} has this dwelling already, as {relation}, from {from} until {until}; a transfer only shortens a period that goes on.",
    ),
    "no-such-corporation": Text("Het register kent geen woningcorporatie {name}.", "The register knows no housing corporation {name}."),
    "no-such-corporation-perhaps": Text(
        "Het register kent geen woningcorporatie {name}. Bedoelt u {suggestions}?",
        "The register knows no housing corporation {name}. Do you mean {suggestions}?",
    ),
    "due-date-passed": Text("Deze datum is al voorbij.", "This date has passed already."),
    # What a visit in vain says about the next one.
    "advice-try-another-time": Text(
        "Niemand thuis ({tries} keer). Ga op een ander dagdeel; 's avonds en in het weekend is de kans het grootst.",
        "Nobody home ({tries} ×). Go at another part of the day; in the evening and at the weekend the chance is best.",
    ),
    "advice-letter-first": Text(
        "Na {tries} bezoeken niemand thuis. Stuur eerst een brief met een voorstel en een telefoonnummer, en wacht {days} dagen.",
        "Nobody home after {tries} visits. First send a letter with a proposal and a telephone number, and wait {days} days.",
    ),
    "advice-consent-needed": Text(
        "De bewoner weigerde. Ga niet opnieuw zonder toestemming of machtiging tot binnentreden; de gemeente beslist hoe het verdergaat.",
        "The occupant refused. Do not go again without consent or an authorisation to enter; the municipality decides how to go on.",
    ),
    "advice-hazard-first": Text(
        "Het was er onveilig. Ga niet opnieuw voordat het gevaar is weggenomen; meld het aan de gemeente.",
        "It was unsafe there. Do not go again before the hazard is dealt with; report it to the municipality.",
    ),
    "advice-address-first": Text(
        "Het adres is niet gevonden. Zoek eerst met de gemeente uit welk adres het is.",
        "The address was not found. First find out with the municipality which it is.",
    ),
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
    "measure": "maatregel",
    "change": "wijziging",
    "evidence": "bewijs",
    "document": "document",
    "checklist": "checklist",
    "inspection": "opname",
    "team": "team",
    "hazard": "gevaar",
    "webhook": "webhook",
    "event": "gebeurtenis",
    "revision": "versie",
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
    "decided": "besloten",
    "completion-inspection": "een goedgekeurde opname",
    "registered-label": "een geregistreerd energielabel",
    "grant-decision": "een beschikking",
    "completion-report": "een opleverrapport",
    "energy-label": "een afschrift van het energielabel",
    "contract": "een overeenkomst",
    "invoice": "een factuur",
    "permit": "een vergunning",
    "other": "een ander document",
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
