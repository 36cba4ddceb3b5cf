//! Denials in Spanish.

use super::language::Frame;

pub(super) const FRAME: Frame = Frame { contact: "¿Preguntas?", administrator: "Para su administrador:" };

translated! {
    AmbiguousRequest "Solicitud ambigua"
        "Esta dirección o este inicio de sesión puede leerse de más de una manera. Vuelva a abrir la página desde el inicio o consulte a su administrador.";
    UnknownOrganization "Aquí no hay nada"
        "No hay ninguna organización en esta dirección. Compruebe que no tenga un error de escritura.";
    NoCredentials "Inicie sesión"
        "No ha iniciado sesión. Hágalo con el inicio de sesión único de su empresa y vuelva a intentarlo.";
    MalformedToken "Inicio de sesión ilegible"
        "No se pudo leer su inicio de sesión. Cierre la sesión, vuelva a iniciarla e inténtelo de nuevo.";
    UnknownIssuer "Proveedor de inicio de sesión desconocido aquí"
        "Ha iniciado sesión con un proveedor que esta organización no utiliza. Inicie sesión con el de su empresa.";
    UnsupportedAlgorithm "Inicio de sesión no aceptado"
        "Su inicio de sesión está firmado de una forma que aquí no se acepta. Pida a su administrador que revise el algoritmo de firma del proveedor.";
    KeysUnavailable "No se puede comprobar el inicio de sesión en este momento"
        "No se puede contactar con el proveedor de inicio de sesión de su empresa para comprobar su sesión. Vuelva a intentarlo en un momento.";
    UnknownKey "Inicio de sesión no aceptado"
        "Su inicio de sesión se hizo con una clave que ya no es válida. Vuelva a iniciar sesión.";
    BadSignature "Inicio de sesión no aceptado"
        "No se pudo verificar su inicio de sesión. Inicie sesión de nuevo.";
    WrongAudience "Inicio de sesión para otra aplicación"
        "Su inicio de sesión se hizo para otra aplicación. Inicie sesión en esta.";
    Expired "Sesión caducada"
        "Su inicio de sesión ha caducado. Inicie sesión de nuevo.";
    NotYetValid "Inicio de sesión aún no válido"
        "Su inicio de sesión aún no es válido. Compruebe el reloj de su dispositivo o vuelva a intentarlo en un minuto.";
    MissingClaim "Inicio de sesión incompleto"
        "Su proveedor de inicio de sesión no envió todo lo necesario. Pida a su administrador que revise lo que envía a esta aplicación.";
    EmailNotVerified "Correo electrónico no verificado"
        "Su proveedor de inicio de sesión no ha verificado su dirección de correo. Verifíquela allí y vuelva a iniciar sesión.";
    DomainNotVerified "Dominio de correo no aceptado"
        "Su dirección de correo no pertenece a ningún dominio de esta organización. Inicie sesión con la dirección de su empresa.";
    NotAssigned "Aplicación no asignada"
        "No tiene asignada esta aplicación en su proveedor de inicio de sesión. Pida a su administrador que se la asigne.";
    GroupsOverage "Demasiados grupos"
        "Su proveedor de inicio de sesión no envió sus grupos porque son demasiados. Pida a su administrador que envíe solo los de esta aplicación.";
    StoreUnavailable "No se puede comprobar la pertenencia en este momento"
        "Ahora mismo no se puede comprobar si pertenece a la organización. Vuelva a intentarlo en breve.";
    Replayed "Inicio de sesión ya utilizado"
        "Este inicio de sesión ya se utilizó. Inicie sesión de nuevo.";
    IdentityConflict "Cuenta ya vinculada"
        "Su dirección de correo está vinculada aquí a otro inicio de sesión. Pida a su administrador que la desvincule.";
    MemberSuspended "Acceso suspendido"
        "Su acceso está suspendido. Consulte a su administrador.";
    SessionRevoked "Sesión cerrada"
        "Su sesión ha finalizado. Inicie sesión de nuevo.";
    NotAMember "No es miembro"
        "No es miembro de esta organización. Pida a su administrador que le añada.";
    NotProvisioned "Acceso aún no creado"
        "El directorio de su empresa no le ha dado de alta en esta aplicación. Consulte a su administrador.";
    NoMappedGroup "Sin acceso para sus grupos"
        "Ninguno de sus grupos da acceso a esta organización. Consulte a su administrador.";
    NoSeatAvailable "No hay plazas disponibles"
        "Todas las plazas están ocupadas. Está en la lista: pida una plaza a su administrador y vuelva a intentarlo.";
    SeatUnassigned "Sin plaza asignada"
        "Es miembro, pero aún no tiene plaza. Pida a su administrador que le asigne una.";
    RoleNotAllowed "No permitido para su rol"
        "Su rol no da acceso a esta página. Consulte a su administrador si la necesita.";
    SeatTierNotAllowed "No incluido en su plaza"
        "Su tipo de plaza no incluye esta página. Consulte a su administrador si la necesita.";
}
