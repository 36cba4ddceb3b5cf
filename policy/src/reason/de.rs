//! Denials in German.

use super::language::Frame;

pub(super) const FRAME: Frame = Frame { contact: "Fragen?", administrator: "Für Ihre Administration:" };

translated! {
    AmbiguousRequest "Anfrage nicht eindeutig"
        "Diese Adresse oder diese Anmeldung lässt sich auf mehr als eine Weise lesen. Öffnen Sie die Seite von der Startseite aus neu oder fragen Sie Ihre Administration.";
    UnknownOrganization "Hier ist nichts"
        "Unter dieser Adresse ist keine Organisation zu finden. Prüfen Sie die Adresse auf Tippfehler.";
    NoCredentials "Bitte melden Sie sich an"
        "Sie sind nicht angemeldet. Melden Sie sich über die zentrale Anmeldung Ihres Unternehmens an und versuchen Sie es erneut.";
    MalformedToken "Anmeldung nicht lesbar"
        "Ihre Anmeldung konnte nicht gelesen werden. Melden Sie sich ab, wieder an und versuchen Sie es noch einmal.";
    UnknownIssuer "Anmeldedienst hier nicht bekannt"
        "Sie haben sich bei einem Dienst angemeldet, den diese Organisation nicht verwendet. Melden Sie sich beim Anmeldedienst Ihres Unternehmens an.";
    UnsupportedAlgorithm "Anmeldung nicht angenommen"
        "Ihre Anmeldung ist auf eine Weise signiert, die hier nicht angenommen wird. Bitten Sie Ihre Administration, das Signaturverfahren des Anmeldedienstes zu prüfen.";
    KeysUnavailable "Anmeldung zurzeit nicht prüfbar"
        "Der Anmeldedienst Ihres Unternehmens ist nicht erreichbar, um Ihre Anmeldung zu prüfen. Versuchen Sie es gleich noch einmal.";
    UnknownKey "Anmeldung nicht angenommen"
        "Ihre Anmeldung wurde mit einem Schlüssel erstellt, der nicht mehr gültig ist. Melden Sie sich neu an.";
    BadSignature "Anmeldung nicht angenommen"
        "Ihre Anmeldung konnte nicht bestätigt werden. Melden Sie sich neu an.";
    WrongAudience "Anmeldung für eine andere Anwendung"
        "Ihre Anmeldung wurde für eine andere Anwendung ausgestellt. Melden Sie sich bei dieser an.";
    Expired "Anmeldung abgelaufen"
        "Ihre Anmeldung ist abgelaufen. Melden Sie sich wieder an.";
    NotYetValid "Anmeldung noch nicht gültig"
        "Ihre Anmeldung ist noch nicht gültig. Prüfen Sie die Uhr Ihres Geräts oder versuchen Sie es in einer Minute erneut.";
    MissingClaim "Anmeldung unvollständig"
        "Ihr Anmeldedienst hat nicht alles gesendet, was nötig ist. Bitten Sie Ihre Administration zu prüfen, was der Dienst an diese Anwendung sendet.";
    EmailNotVerified "E-Mail-Adresse nicht bestätigt"
        "Ihr Anmeldedienst hat Ihre E-Mail-Adresse nicht bestätigt. Bestätigen Sie sie dort und melden Sie sich neu an.";
    DomainNotVerified "E-Mail-Domain nicht zugelassen"
        "Ihre E-Mail-Adresse gehört zu keiner Domain dieser Organisation. Melden Sie sich mit der Adresse Ihres Unternehmens an.";
    NotAssigned "Dieser Anwendung nicht zugewiesen"
        "Sie sind dieser Anwendung bei Ihrem Anmeldedienst nicht zugewiesen. Bitten Sie Ihre Administration um die Zuweisung.";
    GroupsOverage "Zu viele Gruppen"
        "Ihr Anmeldedienst hat Ihre Gruppen nicht gesendet, weil es zu viele sind. Bitten Sie Ihre Administration, nur die Gruppen dieser Anwendung zu senden.";
    StoreUnavailable "Mitgliedschaft zurzeit nicht prüfbar"
        "Ihre Mitgliedschaft kann im Moment nicht geprüft werden. Versuchen Sie es in Kürze noch einmal.";
    Replayed "Anmeldung bereits verwendet"
        "Diese Anmeldung wurde schon einmal verwendet. Melden Sie sich noch einmal an.";
    IdentityConflict "Konto bereits verknüpft"
        "Ihre E-Mail-Adresse ist hier mit einer anderen Anmeldung verknüpft. Bitten Sie Ihre Administration, die Verknüpfung zu lösen.";
    MemberSuspended "Mitgliedschaft ausgesetzt"
        "Ihre Mitgliedschaft ist ausgesetzt. Wenden Sie sich an Ihre Administration.";
    SessionRevoked "Abgemeldet"
        "Ihre Sitzung wurde beendet. Melden Sie sich neu an.";
    NotAMember "Kein Mitglied"
        "Sie sind kein Mitglied dieser Organisation. Bitten Sie Ihre Administration, Sie aufzunehmen.";
    NotProvisioned "Noch nicht eingerichtet"
        "Das Verzeichnis Ihres Unternehmens hat Sie für diese Anwendung nicht eingerichtet. Wenden Sie sich an Ihre Administration.";
    NoMappedGroup "Kein Zugang für Ihre Gruppen"
        "Keine Ihrer Gruppen gibt Zugang zu dieser Organisation. Wenden Sie sich an Ihre Administration.";
    NoSeatAvailable "Kein Platz frei"
        "Alle Plätze sind vergeben. Sie stehen auf der Liste: Bitten Sie Ihre Administration um einen Platz und versuchen Sie es dann erneut.";
    SeatUnassigned "Kein Platz zugewiesen"
        "Sie sind Mitglied, haben aber noch keinen Platz. Bitten Sie Ihre Administration, Ihnen einen zuzuweisen.";
    RoleNotAllowed "Für Ihre Rolle nicht freigegeben"
        "Ihre Rolle gibt keinen Zugang zu dieser Seite. Wenden Sie sich an Ihre Administration, wenn Sie ihn brauchen.";
    SeatTierNotAllowed "In Ihrem Platz nicht enthalten"
        "Ihre Platzstufe enthält diese Seite nicht. Wenden Sie sich an Ihre Administration, wenn Sie sie brauchen.";
}
