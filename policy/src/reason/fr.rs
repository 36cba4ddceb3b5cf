//! Denials in French.

use super::language::Frame;

pub(super) const FRAME: Frame = Frame { contact: "Des questions ?", administrator: "Pour votre administrateur :" };

translated! {
    AmbiguousRequest "Demande ambiguë"
        "Cette adresse ou cette connexion peut être comprise de plusieurs façons. Rouvrez la page depuis l’accueil ou adressez-vous à votre administrateur.";
    UnknownOrganization "Rien à cette adresse"
        "Aucune organisation ne se trouve à cette adresse. Vérifiez qu’elle ne contient pas de faute de frappe.";
    NoCredentials "Veuillez vous connecter"
        "Vous n’avez pas ouvert de session. Connectez-vous avec l’authentification unique de votre entreprise, puis réessayez.";
    MalformedToken "Connexion illisible"
        "Votre connexion n’a pas pu être lue. Déconnectez-vous, reconnectez-vous, puis réessayez.";
    UnknownIssuer "Service de connexion inconnu ici"
        "Votre connexion provient d’un service que cette organisation n’utilise pas. Connectez-vous avec celui de votre entreprise.";
    UnsupportedAlgorithm "Connexion non acceptée"
        "Votre connexion est signée d’une façon qui n’est pas acceptée ici. Demandez à votre administrateur de vérifier l’algorithme de signature du service de connexion.";
    KeysUnavailable "Connexion impossible à vérifier pour le moment"
        "Le service de connexion de votre entreprise est injoignable, votre connexion ne peut donc pas être vérifiée. Réessayez dans un instant.";
    UnknownKey "Connexion non acceptée"
        "Votre connexion a été établie avec une clé qui n’est plus valable. Connectez-vous à nouveau.";
    BadSignature "Connexion non acceptée"
        "Votre connexion n’a pas pu être vérifiée. Connectez-vous à nouveau.";
    WrongAudience "Connexion destinée à une autre application"
        "Votre connexion a été établie pour une autre application. Connectez-vous à celle-ci.";
    Expired "Connexion expirée"
        "Votre connexion a expiré. Connectez-vous à nouveau.";
    NotYetValid "Connexion pas encore valable"
        "Votre connexion n’est pas encore valable. Vérifiez l’horloge de votre appareil ou réessayez dans une minute.";
    MissingClaim "Connexion incomplète"
        "Votre service de connexion n’a pas transmis tout ce qui est nécessaire. Demandez à votre administrateur de vérifier ce qu’il envoie à cette application.";
    EmailNotVerified "Adresse e-mail non vérifiée"
        "Votre service de connexion n’a pas vérifié votre adresse e-mail. Faites-la vérifier, puis connectez-vous à nouveau.";
    DomainNotVerified "Domaine de messagerie non accepté"
        "Votre adresse e-mail n’appartient à aucun domaine de cette organisation. Connectez-vous avec l’adresse de votre entreprise.";
    NotAssigned "Application non attribuée"
        "Cette application ne vous est pas attribuée dans votre service de connexion. Demandez à votre administrateur de vous l’attribuer.";
    GroupsOverage "Trop de groupes"
        "Votre service de connexion n’a pas transmis vos groupes, car ils sont trop nombreux. Demandez à votre administrateur de n’envoyer que ceux de cette application.";
    StoreUnavailable "Appartenance impossible à vérifier pour le moment"
        "Votre appartenance à l’organisation ne peut pas être vérifiée en ce moment. Réessayez sous peu.";
    Replayed "Connexion déjà utilisée"
        "Cette connexion a déjà servi. Connectez-vous à nouveau.";
    IdentityConflict "Compte déjà associé"
        "Votre adresse e-mail est associée ici à une autre connexion. Demandez à votre administrateur de les dissocier.";
    MemberSuspended "Accès suspendu"
        "Votre accès est suspendu. Adressez-vous à votre administrateur.";
    SessionRevoked "Session terminée"
        "Votre session a été fermée. Connectez-vous à nouveau.";
    NotAMember "Vous n’êtes pas membre"
        "Vous n’êtes pas membre de cette organisation. Demandez à votre administrateur de vous ajouter.";
    NotProvisioned "Accès pas encore créé"
        "L’annuaire de votre entreprise ne vous a pas donné accès à cette application. Adressez-vous à votre administrateur.";
    NoMappedGroup "Aucun accès pour vos groupes"
        "Aucun de vos groupes ne donne accès à cette organisation. Adressez-vous à votre administrateur.";
    NoSeatAvailable "Aucune place disponible"
        "Toutes les places sont prises. Vous êtes sur la liste : demandez une place à votre administrateur, puis réessayez.";
    SeatUnassigned "Aucune place attribuée"
        "Vous êtes membre, mais vous n’avez pas encore de place. Demandez à votre administrateur de vous en attribuer une.";
    RoleNotAllowed "Non autorisé pour votre rôle"
        "Votre rôle ne donne pas accès à cette page. Adressez-vous à votre administrateur si vous en avez besoin.";
    SeatTierNotAllowed "Non compris dans votre formule"
        "Votre formule ne comprend pas cette page. Adressez-vous à votre administrateur si vous en avez besoin.";
}
