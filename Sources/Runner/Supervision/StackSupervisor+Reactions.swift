import Reconciler

/// What an instance asked to be told when its files change, and has not been yet.
struct OwedReaction: Codable, Equatable {
    var service: String
    var index: Int
    /// nil: a restart.
    var signal: Int32?
}

/// Signals and restarts that follow from changed files.
///
/// They are recorded before the first file is written and struck out once done. A successor makes up for what it finds there: a
/// service would otherwise go on with a value that it read before, and nobody would know. So a signal may come twice, and never
/// not at all.
extension StackSupervisor {
    /// All that is owed now, for the record.
    var owed: [OwedReaction] {
        owedReactions + instances.sorted.filter(\.isRestartOwed).map {
            OwedReaction(service: $0.name.service, index: $0.name.index)
        }
    }

    /// What is asked for instances that run and are not ended by the same deployment: those have the new files anyway.
    func reactions(to operations: [Deployment.Operation], but ending: Set<InstanceName>) -> [OwedReaction] {
        operations.flatMap { operation in
            let (service, signal): (String, Int32?)
            switch operation {
            case .signal(let name, let number): (service, signal) = (name, number)
            case .restart(let name): (service, signal) = (name, nil)
            default: return [OwedReaction]()
            }
            return instances.of(service).filter { $0.isAlive && !ending.contains($0.name) }.map {
                OwedReaction(service: service, index: $0.name.index, signal: signal)
            }
        }
    }

    /// Puts on record what is to follow.
    func owe(_ reactions: [OwedReaction]) {
        guard !reactions.isEmpty else { return }
        owedReactions = reactions
        onOwed()
    }

    /// Does what is owed, now that every file is in place.
    func react() {
        guard !owedReactions.isEmpty else { return }
        for reaction in owedReactions {
            guard let instance = instances[reaction.name], instance.intent == nil, instance.isAlive else { continue }
            if let signal = reaction.signal {
                host.signal(instance.name, signal)
                emit(.signalled(signal: signal), instance.name)
            } else {
                intend(.cycle, instance)
                instance.isRestartOwed = true
            }
        }
        owedReactions = []
        changed(.urgent)
    }

    /// Takes over what a predecessor still owed. Restarts wait for the launch plans.
    ///
    /// - Parameter survivors: the instances whose processes are those that it was owed to.
    func adopt(_ reactions: [OwedReaction], survivors: Set<InstanceName>) {
        for reaction in reactions {
            guard let instance = instances[reaction.name] else { continue }
            guard let signal = reaction.signal else {
                instance.isRestartOwed = !instance.stoppedByUser
                continue
            }
            guard survivors.contains(instance.name) else { continue }
            host.signal(instance.name, signal)
            emit(.signalled(signal: signal), instance.name)
        }
    }

    /// Goes on with a restart that a predecessor owed, or had begun.
    func restartAsOwed(_ instance: Instance) {
        if instance.isAlive {
            intend(.cycle, instance)
        } else {
            prepareStart(instance)
            intend(.start, instance)
        }
        instance.isRestartOwed = true
    }
}

extension OwedReaction {
    fileprivate var name: InstanceName { InstanceName(service: service, index: index) }
}
