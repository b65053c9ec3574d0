/// Every attribute of the Compose specification with what stackup does with it, for the documentation's table.
///
/// A path has `*` for a name that the person chooses and `[]` for an entry of a list. What lies below an attribute
/// without effect has the same state.
public func attributeStates() -> [(path: String, state: AttributeState)] {
    var result: [(path: String, state: AttributeState)] = []
    func walk(_ shape: Shape, _ path: String, _ inherited: AttributeState?) {
        switch shape {
        case .list(let inner), .oneOrList(let inner): walk(inner, path + "[]", inherited)
        case .shortList(_, let inner): walk(inner, path + "[]", inherited)
        case .map(let inner, _), .namesOrMap(let inner): walk(inner, path + ".*", inherited)
        case .short(_, let inner): walk(inner, path, inherited)
        case .object(let object):
            for attribute in object.attributes {
                let state = inherited ?? attribute.state
                let name = path.isEmpty ? attribute.name : "\(path).\(attribute.name)"
                result.append((name, state))
                walk(attribute.shape, name, state == .supported ? nil : state)
            }
        default: break
        }
    }
    walk(.object(ProjectAttributes.project), "", nil)
    walk(.object(ServiceAttributes.extension_), "services.*.x-stackup", nil)
    walk(.object(ServiceAttributes.grantExtension), "services.*.secrets[].x-stackup", nil)
    walk(.object(ProjectAttributes.secretExtension), "secrets.*.x-stackup", nil)
    return result
}
