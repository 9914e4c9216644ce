//! What a stretch of text was found to be.

/// Longest of what is looked for, in units: the name of a profile folder or server, a variable's value.
pub(super) const LONGEST: usize = 256;

/// What a stretch of text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// Name of a profile folder, closed by a backslash.
    Profile,
    /// The same at the end of a path or command line.
    OpenProfile,
    /// Server of a UNC path.
    Server,
    /// Host of an address such as `http://HOST:port`, but for those that every Windows knows.
    UrlHost,
    /// User or password before the host of such an address.
    UrlUser,
    /// Mail address or user principal name.
    Mail,
    /// SID of an account.
    Sid,
    /// IP address.
    Address,
    /// Value of `USERNAME=`.
    UserVariable,
    /// Value of `COMPUTERNAME=` or `LOGONSERVER=`.
    ComputerVariable,
    /// Value of `USERDOMAIN=` or `USERDNSDOMAIN=`.
    DomainVariable,
}
