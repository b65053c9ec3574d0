import Glibc
import Linux
import Reconciler

/// What an `up` asks for: what is created, replaced, removed and written, in its order.
extension StackSupervisor {
    private struct Write {
        let service: String
        let file: MountedFile
        let range: Range<Int>
    }

    private enum FileStep {
        case write(Write)
        case remove(service: String, file: MountedFile)
    }

    func apply(_ deployment: Deployment, of job: Job) throws {
        // All of it is looked at first, so that a deployment that is refused has changed nothing.
        try check(deployment.plans)
        let steps = try fileSteps(of: deployment)
        let known = Set(services.keys).union(deployment.plans.map(\.service))
        for operation in deployment.operations { try check(operation, known: known) }
        if let schedule = deployment.schedule { try ScheduledRenewal.check(schedule) }
        if let timeout = deployment.timeoutMilliseconds { try ControlRequest.check(timeout: timeout) }
        let called = try checkCaller(deployment, job.descriptors)
        job.descriptors = nil

        take(deployment.plans, deployment.surroundings)
        if let schedule = deployment.schedule { self.schedule(schedule) }
        let ending = deployment.ending
        // Should this process be killed from here on, its successor knows what the services are still to be told.
        owe(reactions(to: deployment.operations, but: ending))
        for step in steps {
            do {
                try take(step, payload: job.payload, but: ending)
            } catch {
                // A service may have made its own file's place unfit: nobody else's new value, and no revocation, waits for it.
                job.failures.append("\(error)")
            }
            changed(.soon)
        }
        cover(deployment.masks.map(\.path))
        for file in deployment.masks { maskedFiles[file.path] = file.identity }
        for operation in deployment.operations { intend(operation) }
        restartAwaiting()
        if let (name, caller) = called { instances[name]?.caller = caller }
        react()
        for instance in pending where instance.intent?.endsProcesses == true { instance.grace = deployment.timeoutMilliseconds }
    }

    private func take(_ step: FileStep, payload: LockedBuffer?, but ending: Set<InstanceName>) throws {
        switch step {
        case .write(let write):
            let bytes = payload?.slice(write.range) ?? UnsafeRawBufferPointer(start: nil, count: 0)
            let old = host.mountedFile(of: write.service, at: write.file.target)
            try host.write(write.file, bytes: bytes, of: write.service, instances: livePIDs(of: write.service, but: ending))
            emit(event(.fileWritten(target: write.file.target), write.service))
            emitWritten(write.file, of: write.service, over: old)
        case .remove(let service, let file):
            try host.remove(file, of: service, instances: livePIDs(of: service, but: ending))
            emit(event(.fileRemoved(target: file.target), service))
            emitRemoved(file, of: service)
        }
    }

    private func check(_ operation: Deployment.Operation, known: Set<String>) throws(SupervisionError) {
        switch operation {
        case .create(let service, let index), .recreate(let service, let index), .start(let service, let index), .hold(let service, let index),
            .remove(let service, let index):
            guard InstanceName(service: service, index: index).isValid else { throw .refused("there can be no instance \(index) of '\(service.prefix(80))'") }
            if case .remove = operation { return }
            guard known.contains(service) else { throw .refused("service '\(service)' has no launch plan") }
            if OneOff.service(ofKey: service) != nil {
                guard case .create = operation, instances[InstanceName(service: service, index: index)] == nil else {
                    throw .refused("the one-off '\(service)' is there already, and is not started again")
                }
            }
        case .signal(_, let signal):
            guard (1...64).contains(signal) else { throw .refused("there is no signal \(signal)") }
        case .write, .removeFile, .restart: break
        }
    }

    /// The files' steps in their order, each with the place of its bytes.
    private func fileSteps(of deployment: Deployment) throws(SupervisionError) -> [FileStep] {
        var ranges: [Deployment.Destination: Range<Int>] = [:]
        var offset = 0
        for part in deployment.payloads {
            for destination in part.files { ranges[destination] = offset..<offset + part.length }
            offset += part.length
        }
        var steps: [FileStep] = []
        var written = Set<Deployment.Destination>()
        for operation in deployment.operations {
            switch operation {
            case .write(let service, let file):
                guard InstanceName.isValid(service: service) else { throw .refused("'\(service.prefix(80))' cannot name a service") }
                let destination = Deployment.Destination(service: service, target: file.target)
                guard let range = ranges[destination] else { throw .refused("no bytes came for \(file.target) of service '\(service)'") }
                written.insert(destination)
                steps.append(.write(Write(service: service, file: file, range: range)))
            case .removeFile(let service, let file): steps.append(.remove(service: service, file: file))
            default: break
            }
        }
        // A file that changed its grant but kept its place was written under the new one: it must not go.
        steps.removeAll { step in
            guard case .remove(let service, let file) = step else { return false }
            return written.contains(Deployment.Destination(service: service, target: file.target))
        }
        // The files of a service that is created may come with its plan alone.
        for plan in deployment.plans {
            for file in plan.files {
                let destination = Deployment.Destination(service: plan.service, target: file.target)
                if let range = ranges[destination], written.insert(destination).inserted {
                    steps.append(.write(Write(service: plan.service, file: file, range: range)))
                }
            }
        }
        return steps
    }

    private func intend(_ operation: Deployment.Operation) {
        switch operation {
        case .create(let service, let index):
            let name = InstanceName(service: service, index: index)
            if let instance = instances[name] {
                intend(.cycle, instance, waitsForConditions: true)
            } else {
                let instance = Instance(name: name, createdAt: wallClock())
                instances[name] = instance
                emit(.created, name)
                intend(.start, instance, waitsForConditions: true)
            }
        case .recreate(let service, let index):
            let name = InstanceName(service: service, index: index)
            let instance = instances[name] ?? Instance(name: name, createdAt: wallClock())
            instances[name] = instance
            instance.createdAt = wallClock()
            intend(.cycle, instance, waitsForConditions: true)
        case .start(let service, let index):
            let name = InstanceName(service: service, index: index)
            let instance = instances[name] ?? Instance(name: name, createdAt: wallClock())
            instances[name] = instance
            if instance.isAlive { return }
            prepareStart(instance)
            intend(.start, instance, waitsForConditions: true)
        case .hold(let service, let index):
            let name = InstanceName(service: service, index: index)
            let instance = instances[name] ?? Instance(name: name, createdAt: wallClock())
            guard !instance.isAlive else { return }
            instance.phase = .exited
            instance.stoppedByUser = true
            instance.isHeld = true
            let isNew = instances[name] == nil
            instances[name] = instance
            if isNew { emit(.created, name) }
            changed(.soon)
        case .remove(let service, let index):
            if let instance = instances[InstanceName(service: service, index: index)] { intend(.remove, instance) }
        case .write, .removeFile, .signal, .restart: break
        }
    }
}

extension Deployment {
    /// Instances that this deployment ends: they need nothing changed in them any more, and may lack a place for it.
    fileprivate var ending: Set<InstanceName> {
        Set(operations.compactMap { operation in
            switch operation {
            case .recreate(let service, let index), .remove(let service, let index):
                InstanceName(service: service, index: index)
            default: nil
            }
        })
    }
}
